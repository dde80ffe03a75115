package live

import (
	"sync"

	"github.com/gorilla/websocket"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/rights"
)

// reader is what messages are written for.
type reader struct {
	locale locale.Locale
	held   rights.Held
}

// frame is a message for any number of sockets, written out and framed once for each kind of reader.
type frame struct {
	text string

	mu       sync.Mutex
	prepared map[reader]*websocket.PreparedMessage
}

// prepare makes a frame of a message of our own making.
func prepare(m message) *frame { return &frame{text: string(m.encode())} }

// in is the frame for a reader.
func (f *frame) in(r reader) *websocket.PreparedMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	if there := f.prepared[r]; there != nil {
		return there
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, []byte(r.held.Write(r.locale.Write(f.text))))
	if err != nil {
		panic("live: frame a message: " + err.Error()) // only for a message type that does not exist
	}
	if f.prepared == nil {
		f.prepared = map[reader]*websocket.PreparedMessage{}
	}
	f.prepared[r] = message
	return message
}
