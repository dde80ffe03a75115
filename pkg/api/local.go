package api

import (
	"bytes"
	"io"
	"net/http"
)

// local answers requests by a handler of this process.
type local struct{ handler http.Handler }

// RoundTrip has the handler answer.
func (l local) RoundTrip(request *http.Request) (*http.Response, error) {
	served := request.Clone(request.Context())
	served.RequestURI, served.RemoteAddr = request.URL.RequestURI(), "127.0.0.1:0"
	if served.Body == nil {
		served.Body = http.NoBody
	}
	answer := &localAnswer{header: http.Header{}, status: http.StatusOK}
	l.handler.ServeHTTP(answer, served)
	return &http.Response{
		Status: http.StatusText(answer.status), StatusCode: answer.status, Header: answer.header, Request: request,
		Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// localAnswer gathers what a handler writes.
type localAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *localAnswer) Header() http.Header { return a.header }

func (a *localAnswer) WriteHeader(status int) { a.status = status }

func (a *localAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }
