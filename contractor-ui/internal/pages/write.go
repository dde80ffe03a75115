package pages

import (
	"context"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// append writes one event of the person whose request it is: to the journal, the outbox and the list
// of what is to be pushed, and its effect to the read model.
func (h *Handlers) append(ctx context.Context, tx *pg.Tx, stream journal.Stream, body payment.Body) error {
	subject := stream.ID[len(payment.Stream("")):]
	e := payment.New(Source, subject, body)
	e.Time, e.Meta = h.Now(), event.MetaFrom(ctx)
	if err := h.Journal.Append(ctx, tx, &stream, e); err != nil {
		return err
	}
	return readmodel.Save(ctx, tx, stream)
}
