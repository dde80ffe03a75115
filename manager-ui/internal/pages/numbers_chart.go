package pages

import (
	"fmt"
	"math"
	"math/big"
	"time"

	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// numberTable is a chart with the table behind it. Of the same rows the file is made.
type numberTable struct {
	Key, Title, Says string // Key names it in addresses; Says is what it tells, for who does not see it
	Heads            []string
	Rows             []numberRow
	Drawing          *drawing // nil where bars stand in the rows
	Flat             string   // what is said in place of the drawing, where there is nothing to draw
	Note             string
	Nothing          string // what is said where it is empty; "" otherwise
	Export           string
}

// numberRow is a row: what it is about, and its numbers.
type numberRow struct {
	About numberCell
	Cells []numberCell
	Bar   float64 // of 100; 0 for none
}

// numberCell is a cell as people read it, and as a file has it.
type numberCell struct{ Text, Raw string }

func countCell(n int64) numberCell { return numberCell{locale.Count(n), fmt.Sprint(n)} }

func moneyCell(minor *big.Int, currency string) numberCell {
	s := money.Sum{Minor: minor, Currency: currency}
	return numberCell{locale.Sum(s), s.Decimal()}
}

// tookCell is a time that something took; nothing where nothing did.
func tookCell(took time.Duration, n int64) numberCell {
	if n == 0 {
		return numberCell{Text: "–"}
	}
	return numberCell{tookText(took), fmt.Sprintf("%.0f", took.Seconds())}
}

// tookText is a time to two digits or so: as much of it is known.
func tookText(d time.Duration) string {
	minutes, hours := int(math.Round(d.Minutes())), int(math.Round(d.Hours()))
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case minutes < 90:
		return fmt.Sprintf("%d min", minutes)
	case minutes < 10*60:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	case hours < 48:
		return fmt.Sprintf("%d h", hours)
	case hours < 10*24:
		return fmt.Sprintf("%d days %d h", hours/24, hours%24)
	}
	return locale.Count(hours/24) + " days"
}

// stepCell is what a step is called. An hour that comes twice, when clocks are put back, is told by its
// distance from UTC.
func stepCell(p numbers.Period, s numbers.Step) numberCell {
	if p.Unit() != numbers.ByHour {
		return numberCell{locale.Day(s.Day), s.Day.Format(time.DateOnly)}
	}
	at := s.From.In(p.Zone)
	text := at.Format("15:04")
	for _, other := range []time.Time{at.Add(-time.Hour), at.Add(time.Hour)} {
		if other.Format(time.DateOnly+" 15:04") == at.Format(time.DateOnly+" 15:04") {
			text = at.Format("15:04 -07:00")
		}
	}
	if p.Days() > 1 {
		text = locale.Day(s.Day) + ", " + text
	}
	return numberCell{text, at.Format(time.RFC3339)}
}

// stepHeads are what steps are called.
var stepHeads = map[numbers.Unit]string{numbers.ByHour: "Hour from", numbers.ByDay: "Day", numbers.ByWeek: "Week from", numbers.ByMonth: "Month from"}

// The size of a drawing, in its own units: it is stretched to the width that there is.
const (
	drawnWidth  = 1000.0
	drawnHeight = 200.0
)

// drawing is a chart over the steps of a period.
type drawing struct {
	Width, Height    float64
	Series           []series
	Most, Middle     string // what the top and the middle are
	First, Last      string // what the first and the last step are
	Bars             []bar
	Lines            []line
	About, Described string // ids
}

// series is one of several things that are drawn. Class is its colour and pattern.
type series struct{ Name, Class string }

type bar struct {
	X, Y, Width, Height float64
	Class, Title        string
}

// line is drawn through dots; each part of it has no gap.
type line struct {
	Class, Points string
	Dots          []bar
}

// tenth rounds to a tenth of a unit.
func tenth(x float64) float64 { return math.Round(x*10) / 10 }

// plotted are the values of one series, with how each is written. A step without a value has NaN.
type plotted struct {
	series
	values []float64
	said   []string
}

// roof is a round number that is not below most, and its half is one too.
func roof(most float64) float64 {
	if most <= 2 {
		return 2
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, times := range []float64{1, 2, 4, 6, 8, 10} {
		if most <= times*unit {
			return times * unit
		}
	}
	return most
}

// roofTook is a round time in seconds that is not below most, and has a round half.
func roofTook(most float64) float64 {
	for _, top := range []time.Duration{time.Minute, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		24 * time.Hour, 48 * time.Hour, 96 * time.Hour} {
		if most <= top.Seconds() {
			return top.Seconds()
		}
	}
	const day = 24 * 60 * 60
	return roof(most/day) * day
}

// draw draws series over steps: bars beside each other, or lines. Roof is where the axis ends, and
// write writes its numbers.
func draw(key string, steps []numberCell, bars bool, roof func(float64) float64, write func(float64) string, all ...plotted) *drawing {
	d := &drawing{Width: drawnWidth, Height: drawnHeight, About: key + "-title", Described: key + "-says"}
	most := 0.0
	for _, p := range all {
		d.Series = append(d.Series, p.series)
		for _, v := range p.values {
			if v > most { // which not a number never is
				most = v
			}
		}
	}
	top := roof(most)
	d.Most, d.Middle = write(top), write(top/2)
	if len(steps) > 0 {
		d.First, d.Last = steps[0].Text, steps[len(steps)-1].Text
	}
	slot := drawnWidth / float64(max(1, len(steps)))
	for i, p := range all {
		if !bars {
			d.Lines = append(d.Lines, p.lines(steps, slot, top)...)
			continue
		}
		width := slot * 0.8 / float64(len(all))
		for n, v := range p.values {
			if v <= 0 {
				continue
			}
			height := tenth(max(1.5, v/top*drawnHeight)) // so that the least is seen
			d.Bars = append(d.Bars, bar{tenth(slot*(float64(n)+0.1) + width*float64(i)), drawnHeight - height, tenth(width), height, p.Class,
				steps[n].Text + ": " + p.said[n]})
		}
	}
	return d
}

// lines are the parts of a line between the steps that have no value.
func (p plotted) lines(steps []numberCell, slot, top float64) (all []line) {
	var part *line
	for n, v := range p.values {
		if math.IsNaN(v) {
			part = nil
			continue
		}
		if part == nil {
			all = append(all, line{Class: p.Class})
			part = &all[len(all)-1]
		}
		x, y := tenth(slot*(float64(n)+0.5)), tenth(drawnHeight*(1-v/top))
		part.Points += fmt.Sprintf("%g,%g ", x, y)
		part.Dots = append(part.Dots, bar{X: x, Y: y, Class: p.Class, Title: steps[n].Text + ": " + p.said[n]})
	}
	return all
}
