package live

import (
	"sync"

	"github.com/gorilla/websocket"

	"countersign.example/pkg/locale"
)

// frame is a message for any number of sockets, written out and framed once for each locale that has one.
type frame struct {
	text string

	mu       sync.Mutex
	prepared map[locale.Locale]*websocket.PreparedMessage
}

// prepare makes a frame of a message of our own making.
func prepare(m message) *frame { return &frame{text: string(m.encode())} }

// in is the frame for a reader.
func (f *frame) in(reader locale.Locale) *websocket.PreparedMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	if there := f.prepared[reader]; there != nil {
		return there
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, []byte(reader.Write(f.text)))
	if err != nil {
		panic("live: frame a message: " + err.Error()) // only for a message type that does not exist
	}
	if f.prepared == nil {
		f.prepared = map[locale.Locale]*websocket.PreparedMessage{}
	}
	f.prepared[reader] = message
	return message
}
