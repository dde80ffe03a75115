package pages

import (
	"fmt"
	"math"
	"strings"
	"time"

	"countersign.example/manager-ui/internal/history"
)

// lanes are the picture of a case: a lane for each stream and each service that writes to it, and the steps
// on them by time. Time is squeezed: a day is wider than a second, and not by as much as it is longer.
type lanes struct {
	All           []lane
	Width, Height int
	Dots          []laneDot
	Arrows        []laneArrow
	Gaps          []lanePause
}

// lane is one of them. Colour is 0 to laneColours-1.
type lane struct {
	Name, Writer string
	Index        int
	Colour       int
	Y            int
	Href         string // its stream as of now
	stream       string
}

type laneDot struct {
	X, Y, Colour, Number int
	Effect               bool
	Says                 string
}

// laneArrow leads from a cause to its effect.
type laneArrow struct{ Path string }

// lanePause says how long nothing happened.
type lanePause struct {
	X    int
	Text string
}

// The picture's measures.
const (
	laneColours = 6
	lanesHigh   = 44
	lanesTop    = 22 // where gaps are written
	laneEdge    = 20
	dotRadius   = 11
	narrowest   = 30 // between two steps
	gapFrom     = time.Second
	gapWidth    = 96 // what the words need
)

// of is the lane of a step, which it adds where it is new.
func (l *lanes) of(s history.Step, name string) lane {
	writer := strings.TrimPrefix(s.Source, "/")
	for _, known := range l.All {
		if known.stream == s.Stream && known.Writer == writer {
			return known
		}
	}
	i := len(l.All)
	l.All = append(l.All, lane{Name: name, Writer: writer, Index: i, Colour: i % laneColours, Y: lanesTop + i*lanesHigh + lanesHigh/2, Href: streamPath(s.Stream), stream: s.Stream})
	return l.All[i]
}

// draw places the steps.
func (l *lanes) draw(steps []caseStep) {
	x := laneEdge
	for i, s := range steps {
		if i > 0 {
			passed := max(0, s.Time.Sub(steps[i-1].Time))
			width := narrowest + int(6*math.Log10(1+float64(passed.Milliseconds())))
			if passed >= gapFrom {
				width = max(width, gapWidth)
				l.Gaps = append(l.Gaps, lanePause{x + width/2, s.After})
			}
			x += width
		}
		l.Dots = append(l.Dots, laneDot{x, s.Lane.Y, s.Lane.Colour, s.Number, s.Effect, fmt.Sprintf("%d. %s", s.Number, s.Text)})
		if s.Cause >= 0 && s.Cause < i {
			l.Arrows = append(l.Arrows, arrow(l.Dots[s.Cause], l.Dots[i]))
		}
	}
	l.Width, l.Height = x+laneEdge, lanesTop+len(l.All)*lanesHigh+4
}

// arrow is a curve from a dot to a later one. In one lane it passes over those between.
func arrow(from, to laneDot) laneArrow {
	x1, x2, y2 := from.X+dotRadius, to.X-dotRadius-2, to.Y
	if from.Y == to.Y {
		return laneArrow{fmt.Sprintf("M%d %dQ%d %d %d %d", from.X+8, from.Y-8, (from.X+to.X)/2, from.Y-lanesHigh/2-6, to.X-9, to.Y-9)}
	}
	bend := max(12, (x2-x1)/2)
	return laneArrow{fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, from.Y, x1+bend, from.Y, x2-bend, y2, x2, y2)}
}
