package event

import "context"

// Meta says on whose behalf and as part of what something happens. It travels in a
// request's context, and from there into every event that the request causes.
type Meta struct {
	// CorrelationID is the same for everything that began with one request of a person.
	CorrelationID string
	// CausationID is the id of the event that caused this one, if one did.
	CausationID string
	// Actor is the id of the person who did it, empty for a machine; ActorName is how
	// people are shown who that was.
	Actor     string
	ActorName string
	// TraceParent is the W3C trace context, for whoever collects traces.
	TraceParent string
}

type metaKey struct{}

// WithMeta returns a context that carries m.
func WithMeta(ctx context.Context, m Meta) context.Context {
	return context.WithValue(ctx, metaKey{}, m)
}

// MetaFrom returns what ctx carries, or the zero Meta.
func MetaFrom(ctx context.Context) Meta {
	m, _ := ctx.Value(metaKey{}).(Meta)
	return m
}

// CausedBy is the Meta of an event that e brings about: the same correlation, with e as
// the cause and without a person.
func CausedBy(e Event) Meta {
	correlation := e.CorrelationID
	if correlation == "" {
		correlation = e.ID.String()
	}
	return Meta{CorrelationID: correlation, CausationID: e.ID.String(), TraceParent: e.TraceParent}
}
