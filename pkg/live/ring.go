package live

import "slices"

// entry is a message as it stands in the stream, ready for any number of sockets.
type entry struct {
	id       entryID
	audience string
	about    string
	frame    *frame
	trace    string // of a trace that is recorded, or ""
}

// ring is the stream's recent past: every entry after floor.
type ring struct {
	floor   entryID
	entries []entry // by id
	size    int
}

func newRing(size int, floor entryID) *ring { return &ring{floor: floor, size: size} }

// add appends entries, which are newer than all in the ring. The oldest make room a quarter of the ring at a
// time, which is a copy seldom instead of a modulo everywhere.
func (r *ring) add(entries ...entry) {
	r.entries = append(r.entries, entries...)
	if over := len(r.entries) - r.size; over > 0 {
		cut := min(over+r.size/4, len(r.entries))
		r.floor = r.entries[cut-1].id
		r.entries = slices.Clone(r.entries[cut:])
	}
}

// after gives what an audience gets that has seen everything up to since; of several entries about one thing
// only the last. It is not ok if some of it is no longer in the ring.
func (r *ring) after(since entryID, audience string) (frames []*frame, ok bool) {
	if since.before(r.floor) {
		return nil, false
	}
	seen := map[string]bool{}
	for _, e := range slices.Backward(r.entries) {
		if !since.before(e.id) {
			break
		}
		if e.audience == audience && !seen[e.about] {
			seen[e.about] = true
			frames = append(frames, e.frame)
		}
	}
	slices.Reverse(frames)
	return frames, true
}
