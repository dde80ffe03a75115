package vitals

import "time"

// paceOver is how long back a rate looks, and paceSamples how many samples of a partition's end are kept:
// they tell since when its oldest message waits, ten minutes back.
const (
	paceOver    = 10 * time.Second
	paceSamples = 300
)

// pace follows a number that grows, and another one ahead of it.
type pace struct {
	samples []sample // the oldest first
	moved   time.Time
}

type sample struct {
	at        time.Time
	done, end int64
}

// note adds what is so now.
func (p *pace) note(at time.Time, done, end int64) {
	if n := len(p.samples); n > 0 {
		switch last := p.samples[n-1].done; {
		case done < last: // it began again
			p.samples = nil
		case done > last:
			p.moved = at
		}
	}
	if p.samples = append(p.samples, sample{at, done, end}); len(p.samples) > paceSamples {
		p.samples = p.samples[1:]
	}
}

// rate is how much was done in a second, lately.
func (p *pace) rate() float64 {
	n := len(p.samples)
	if n < 2 {
		return 0
	}
	last, first := p.samples[n-1], p.samples[0]
	for _, s := range p.samples {
		if last.at.Sub(s.at) <= paceOver {
			first = s
			break
		}
	}
	if passed := last.at.Sub(first.at).Seconds(); passed > 0 {
		return float64(last.done-first.done) / passed
	}
	return 0
}

// waiting is for how long what comes next has been there.
func (p *pace) waiting() time.Duration {
	n := len(p.samples)
	if n == 0 || p.samples[n-1].end <= p.samples[n-1].done {
		return 0
	}
	last := p.samples[n-1]
	for _, s := range p.samples {
		if s.end > last.done {
			return last.at.Sub(s.at)
		}
	}
	return 0
}
