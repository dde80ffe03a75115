package model

import (
	"fmt"
	"strings"
	"testing"
)

// inbox is a service that receives a partition: what its journal has recorded, in order, and its dead
// letters. The messages are letters: a b c d of one key, x y of another.
type inbox struct {
	read    int8
	journal string
	// deadLetters are three bytes each: the message, 'p'oison or 'k' for parked, and 'w'aiting, 'r'eplayed or
	// 'd'iscarded.
	deadLetters string
	quarantined bool // the key of a b c d
	mended      bool // a version runs that can use b
	freeing     bool // an operator's replay is between two of its transactions
	back, hands int8
}

// receiving is the model of inbox.Recorder and of inbox.DeadLetterStore, with one message in each
// transaction, so that everything can happen between any two. b is poison until a version runs that can use
// it.
type receiving struct {
	topic       string
	back, hands int8 // so often a consumer goes back, and an operator does something
	// What is mutated.
	goesOn, freesEarly, stops, noInbox bool
}

const (
	inOrder     = "6. the journal has each event of a key once, in the topic's order"
	restIsThere = "6. what is neither discarded nor waits is in the journal, and a key is held while something of it waits"
	othersGoOn  = "10. no message stops anything but its own key"
)

func (m receiving) machine() Machine[inbox] {
	return Machine[inbox]{Moves: m.moves, Always: []Property[inbox]{{inOrder, func(s inbox) string {
		last := -1
		for i := range len(s.journal) {
			if s.journal[i] >= 'x' {
				continue
			}
			if at := strings.IndexByte(m.topic, s.journal[i]); at <= last {
				return "the journal has " + s.journal
			} else {
				last = at
			}
		}
		return ""
	}}}, AtRest: []Property[inbox]{
		{othersGoOn, func(s inbox) string {
			for i := range len(m.topic) {
				if n := strings.Count(s.journal, m.topic[i:i+1]); m.topic[i] >= 'x' && n != 1 {
					return fmt.Sprintf("%c is recorded %d times", m.topic[i], n)
				}
			}
			return ""
		}},
		{restIsThere, func(s inbox) string {
			for i := range len(m.topic) {
				c := m.topic[i]
				_, state := s.deadLetter(c)
				if strings.IndexByte(s.journal, c) < 0 && state != 'd' && state != 'w' {
					return fmt.Sprintf("%c is nowhere", c)
				}
				if s.quarantined != strings.Contains(s.deadLetters, "w") {
					return "the key is quarantined, and nothing waits; or something waits, and it is not"
				}
			}
			return ""
		}},
	}}
}

// deadLetter is the kind and the state of a message's dead letter; zeros if there is none.
func (s inbox) deadLetter(c byte) (kind, state byte) {
	for i := 0; i < len(s.deadLetters); i += 3 {
		if s.deadLetters[i] == c {
			return s.deadLetters[i+1], s.deadLetters[i+2]
		}
	}
	return 0, 0
}

// become is the dead letters once that of a message is of a kind and a state.
func (s inbox) become(c, kind, state byte) inbox {
	i := 0
	for i < len(s.deadLetters) && s.deadLetters[i] != c {
		i += 3
	}
	s.deadLetters = s.deadLetters[:i] + string([]byte{c, kind, state}) + s.deadLetters[min(i+3, len(s.deadLetters)):]
	return s
}

// waiting is the first dead letter that waits for the key; 0 if none does.
func (s inbox) waiting() byte {
	for i := 0; i < len(s.deadLetters); i += 3 {
		if s.deadLetters[i+2] == 'w' {
			return s.deadLetters[i]
		}
	}
	return 0
}

func (m receiving) moves(s inbox) (moves []Move[inbox]) {
	own := func(does string, to inbox) { moves = append(moves, Move[inbox]{Does: does, To: to, Own: true}) }
	maybe := func(does string, to inbox) { moves = append(moves, Move[inbox]{Does: does, To: to}) }
	if int(s.read) < len(m.topic) && (!m.stops || !s.quarantined) {
		c := m.topic[s.read]
		to := m.record(s, c)
		to.read++
		own(fmt.Sprintf("the consumer receives %c", c), to)
	}
	if s.back < m.back {
		for read := range s.read {
			to := s
			to.back++
			to.read = read
			maybe(fmt.Sprintf("the consumer goes back to offset %d", read), to)
		}
	}
	if !s.mended {
		to := s
		to.mended = true
		maybe("a version is started that can use b", to)
	}
	first := s.waiting()
	if s.freeing {
		own(fmt.Sprintf("the replay goes on with %c", first), m.free(s, first))
		to := s
		to.freeing = false
		maybe("the replay is killed", to)
		return moves
	}
	if first != 0 && s.hands < m.hands {
		to := s
		to.hands++
		maybe(fmt.Sprintf("an operator replays %c", first), m.free(to, first))
		kind, _ := s.deadLetter(first)
		maybe(fmt.Sprintf("an operator discards %c", first), m.freed(to.become(first, kind, 'd')))
	}
	return moves
}

// record is a transaction of inbox.Recorder.
func (m receiving) record(s inbox, c byte) inbox {
	kind, _ := s.deadLetter(c)
	switch key := c < 'x'; {
	case kind != 0: // redelivered
	case key && s.quarantined && !m.goesOn:
		return s.become(c, 'k', 'w')
	case c == 'b' && !s.mended:
		s.quarantined = true
		return s.become(c, 'p', 'w')
	case strings.IndexByte(s.journal, c) < 0 || m.noInbox:
		s.journal += one(c)
	}
	return s
}

// free is one transaction of DeadLetterStore.free: it replays the dead letter that waits first.
func (m receiving) free(s inbox, c byte) inbox {
	s.freeing = false
	if c == 'b' && !s.mended {
		return s
	}
	if strings.IndexByte(s.journal, c) < 0 {
		s.journal += one(c)
	}
	kind, _ := s.deadLetter(c)
	return m.freed(s.become(c, kind, 'r'))
}

// freed is the end of that transaction: the key is free, or what waits next holds it.
func (m receiving) freed(s inbox) inbox {
	next := s.waiting()
	if next == 0 || m.freesEarly {
		s.quarantined = false
	}
	if next != 0 {
		s.freeing = true
		s = s.become(next, 'p', 'w')
	}
	return s
}

func TestAPoisonMessageStopsItsKeyAlone(t *testing.T) {
	holds(t, "a poison message, its key and others", receiving{topic: "axbcyd", back: 2, hands: 3}.machine())
}

func TestMistakesOfReceivingAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		property string
		mutated  receiving
	}{
		"what follows of the key is recorded":              {inOrder, receiving{topic: "abc", hands: 1, goesOn: true}},
		"a key is free while it is being replayed":         {restIsThere, receiving{topic: "abcd", hands: 1, freesEarly: true}},
		"the partition waits behind a poison message":      {othersGoOn, receiving{topic: "abx", stops: true}},
		"the journal does not know what it has got before": {inOrder, receiving{topic: "a", back: 1, noInbox: true}},
	} {
		t.Run(name, func(t *testing.T) { finds(t, test.property, test.mutated.machine()) })
	}
}
