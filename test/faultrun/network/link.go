package network

import (
	"context"

	"countersign.example/pkg/tcp"
)

// link is the way of one to another.
type link struct {
	*tcp.Link
	name, ip string
}

func (l *link) listen(context.Context) error { return l.Listen() }

func (l *link) become(c tcp.Condition) (healing, error) {
	l.Become(c)
	return func(context.Context) error { l.Become(tcp.Condition{}); return nil }, nil
}
