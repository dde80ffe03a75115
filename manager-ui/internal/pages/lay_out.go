package pages

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// errFull says that a page shows no more.
var errFull = errors.New("full")

// atMost takes bytes up to its room.
type atMost struct {
	bytes.Buffer
	room int
}

func (w *atMost) Write(p []byte) (int, error) {
	if w.Len()+len(p) > w.room {
		n, _ := w.Buffer.Write(p[:w.room-w.Len()])
		return n, errFull
	}
	return w.Buffer.Write(p)
}

// layOut is JSON with each member on a line of its own, numbers as they are written, up to most bytes. It
// stops there: what is nested deeply grows with the square of its depth, 22 kB to 200 MB. whole reports
// whether it is all of it.
func layOut(b []byte, most int) (shown string, whole bool) {
	to := &atMost{room: most}
	read := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true))
	write := jsontext.NewEncoder(to, jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true), jsontext.WithIndent("  "))
	for {
		token, err := read.ReadToken()
		if errors.Is(err, io.EOF) {
			return strings.TrimSuffix(to.String(), "\n"), true
		}
		if err == nil {
			err = write.WriteToken(token)
		}
		if err != nil {
			return strings.ToValidUTF8(to.String(), ""), false
		}
	}
}
