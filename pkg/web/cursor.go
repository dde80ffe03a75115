package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
)

// maxCursor is more than any cursor of ours needs.
const maxCursor = 512

const incompleteAddress = "This page's address is not complete. Please start from the first page."

// EncodeCursor makes an opaque text of where a keyset page begins: usually a struct of the last row's sort
// key and id. It is empty, which begins at the first page, for a position that JSON cannot write: whatever a
// row holds, its page is shown.
func EncodeCursor(position any) string {
	data, err := json.Marshal(position)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// DecodeCursor reads what EncodeCursor made. What it did not make is an Error with status 400.
func DecodeCursor[T any](text string) (position T, err error) {
	bad := BadRequest(incompleteAddress)
	if len(text) > maxCursor {
		return position, bad
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return position, bad
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&position); err != nil {
		return position, bad
	}
	if _, err := d.Token(); err != io.EOF {
		return position, bad
	}
	return position, nil
}
