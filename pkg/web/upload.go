package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"
)

// ErrNoFile says that a form for a file came without one.
var ErrNoFile = errors.New("no file was chosen")

// ErrFileTooLarge says that a file has more than the handler takes.
var ErrFileTooLarge = errors.New("the file is too large")

// ReadUpload returns the file in the field of a form that was sent as multipart/form-data; it is never
// written to disk. A file beyond most bytes, or none, is one of the errors above, for a message beside the
// field. The route must be Large enough for it.
func ReadUpload(c echo.Context, field string, most int64) ([]byte, error) {
	r := c.Request()
	bad := func(status int, err error) error {
		return &Error{Status: status, Message: "This form was sent in a way that is not understood.", Err: err}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "multipart/form-data" {
		return nil, bad(http.StatusUnsupportedMediaType, err)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, bad(http.StatusBadRequest, err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, ErrNoFile
		case err != nil:
			return nil, unreadable(err, bad)
		case part.FormName() != field:
			continue
		case part.FileName() == "": // what browsers send when nothing was chosen
			return nil, ErrNoFile
		}
		data, err := io.ReadAll(io.LimitReader(part, most+1))
		switch {
		case err != nil:
			return nil, unreadable(err, bad)
		case int64(len(data)) > most:
			return nil, fmt.Errorf("%w: more than %d bytes", ErrFileTooLarge, most)
		}
		return data, nil
	}
}

// unreadable keeps the error of a body beyond its limit, which has an answer of its own.
func unreadable(err error, bad func(int, error) error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return bad(http.StatusBadRequest, err)
}
