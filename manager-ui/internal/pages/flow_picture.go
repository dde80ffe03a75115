package pages

import (
	"fmt"
	"slices"

	"countersign.example/manager-ui/internal/flow"
	"countersign.example/pkg/vitals"
)

// The picture: topics are lines that lie above the services, and each service has a line up to what it writes
// and a line down from what it receives.
const (
	laneLeft, laneTop, laneGap = 130, 34, 50
	boxWidth, boxHeight        = 250, 166
	boxGap                     = 20
	boxBelow                   = 58 // the last lane
	inAt, outAt                = 40, 190
)

// flowPicture is what the template draws.
type flowPicture struct {
	Width, Height, Right int
	Lanes                []flowLane
	Boxes                []flowBox
}

type flowLane struct {
	Y, Below   int
	Name, Rate string
}

type flowBox struct {
	X, Y, Width, Height int
	Middle              int
	Name                string
	Level               vitals.Level
	Mark, Word          string
	Lines               []flowLine
	In, Out             flowTrunk
}

// flowLine is a line of text in a box.
type flowLine struct {
	X, Y int
	Text string
}

// flowTrunk is the way between a service and its topics.
type flowTrunk struct {
	X, Top, Bottom, TextX, TextY int
	Text                         string
	Level                        vitals.Level
	Dots                         []flowDot
}

type flowDot struct {
	X, Y, TextX, TextY int
	Text               string
	Level              vitals.Level
}

func newFlowPicture(s flow.System) flowPicture {
	boxY := laneTop + (len(s.Topics)-1)*laneGap + boxBelow
	p := flowPicture{Width: laneLeft + len(s.Services)*(boxWidth+boxGap), Height: boxY + boxHeight + 4}
	p.Right = p.Width - boxGap
	lanes := map[string]int{}
	for i, topic := range s.Topics {
		y := laneTop + i*laneGap
		lanes[topic.Name] = y
		p.Lanes = append(p.Lanes, flowLane{Y: y, Below: y + 17, Name: topic.Name, Rate: perSecond(topic.Rate)})
	}
	for i, service := range s.Services {
		p.Boxes = append(p.Boxes, newFlowBox(laneLeft+i*(boxWidth+boxGap), boxY, service, lanes))
	}
	return p
}

func newFlowBox(x, y int, s flow.Service, lanes map[string]int) flowBox {
	word := levelWords[s.Level]
	b := flowBox{X: x, Y: y, Width: boxWidth, Height: boxHeight, Middle: x + boxWidth/2, Name: s.Name, Level: s.Level, Mark: word.Mark, Word: word.Word}
	row := newFlowService(s)
	for i, text := range []string{processes(s), "Waits to be published: " + row.Outbox, "Dead letters: " + row.Letters, row.Others} {
		b.Lines = append(b.Lines, flowLine{x + 14, y + 84 + i*23, text})
	}
	b.In = flowTrunk{X: x + inAt, Top: y, Bottom: y, TextX: x + inAt + 10, TextY: y - 12, Level: vitals.Well}
	rate := 0.0
	for _, in := range s.In {
		at, there := lanes[in.Topic]
		if !there {
			continue
		}
		dot := flowDot{X: b.In.X, Y: at, TextX: b.In.X + 12, TextY: at - 8, Level: in.Level}
		if in.Lag > 0 || in.Unknown {
			dot.Text = waits(in)
		}
		b.In.Dots, b.In.Top = append(b.In.Dots, dot), min(b.In.Top, at)
		b.In.Level = b.In.Level.Worse(in.Level)
		rate += in.Rate
	}
	b.In.Text = perSecond(rate)
	b.Out = flowTrunk{X: x + outAt, Top: y, Bottom: y, TextX: x + outAt + 10, TextY: y - 12, Level: vitals.Well, Text: row.Published}
	if s.Outbox.Oldest > 5 || slices.ContainsFunc(s.Findings, func(f vitals.Finding) bool { return f.Check == "Publishing" }) {
		b.Out.Level = vitals.Late
	}
	if s.Level == vitals.Down {
		b.Out.Level = vitals.Down
	}
	for _, topic := range s.Publishes {
		if at, there := lanes[topic]; there {
			b.Out.Dots, b.Out.Top = append(b.Out.Dots, flowDot{X: b.Out.X, Y: at, Level: b.Out.Level}), min(b.Out.Top, at)
		}
	}
	return b
}

// processes says how many processes run, and in which roles.
func processes(s flow.Service) string {
	if !s.Answers {
		return "Does not answer"
	}
	counts, running := map[string]int{}, 0
	for _, r := range s.Replicas {
		if !r.Gone() {
			counts[r.Role]++
			running++
		}
	}
	if running == 1 && counts["all"] == 1 {
		return "1 process for everything"
	}
	return fmt.Sprintf("Processes: %d web, %d consumer", counts["web"]+counts["all"], counts["consumer"]+counts["all"])
}
