package tab

import (
	"encoding/json"
	"sync"
)

// message is shared by all tabs that it comes to, and does not change.
type message struct {
	Cursor   string
	Row      *pushed
	Fragment *fragment
	Reset    bool
	Spread   int64
	Since    *string
	Late     bool
}

// decoded are the latest messages by their text: most come to many tabs at about the same time.
var decoded struct {
	sync.Mutex
	messages map[string]*message
}

const decodedAtMost = 1_000

func decode(data []byte) (*message, error) {
	decoded.Lock()
	m := decoded.messages[string(data)]
	decoded.Unlock()
	if m != nil {
		return m, nil
	}
	m = &message{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, err
	}
	decoded.Lock()
	defer decoded.Unlock()
	if len(decoded.messages) >= decodedAtMost || decoded.messages == nil {
		decoded.messages = map[string]*message{}
	}
	decoded.messages[string(data)] = m
	return m, nil
}
