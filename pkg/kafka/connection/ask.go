package connection

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const maxAnswer = 16 << 20

// Ask sends one request and returns its answer. Nothing else is under way on conn. It is for what kafka-go
// does not know.
//
// https://kafka.apache.org/protocol.html
func Ask(conn io.ReadWriter, client string, request kmsg.Request) (kmsg.Response, error) {
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID(client))
	if _, err := conn.Write(formatter.AppendRequest(nil, request, 1)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	header := 4 // a correlation id; then tags, of which there are none
	if request.IsFlexible() {
		header = 5
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < uint32(header) || n > maxAnswer {
		return nil, fmt.Errorf("an answer of %d bytes", n)
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, err
	}
	if request.IsFlexible() && answer[4] != 0 {
		return nil, errors.New("an answer with tags in its header")
	}
	response := request.ResponseKind()
	if err := response.ReadFrom(answer[header:]); err != nil {
		return nil, err
	}
	return response, nil
}
