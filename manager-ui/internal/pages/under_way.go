package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/manager-ui/internal/core"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/pg"
)

// underWay is a capture or a release that payments-core has taken. Until an event says what came of it, nothing else can be asked for.
type underWay struct {
	Kind   core.Kind `json:"kind"`
	ByName string    `json:"by_name"`
	At     time.Time `json:"opened_at"`
}

// doing is what is being done to a hold.
var doing = map[core.Kind]string{core.Capture: "capturing", core.Release: "releasing"}

// Badge says it in a word.
func (u underWay) Badge() string { return sentence(doing[u.Kind]) + "…" }

// Past is what will have been done.
func (u underWay) Past() string { return past[u.Kind] }

// underWayOf is what a refusal says stands in the way; nil if it says nothing of the kind.
func underWayOf(refusal *api.Refusal) *underWay {
	var u underWay
	if json.Unmarshal(refusal.Extra["under_way"], &u) != nil || doing[u.Kind] == "" {
		return nil
	}
	return &u
}

// noteUnderWay has the payment's pages show what is under way, those that are open, too. The first note stays.
func (h *handlers) noteUnderWay(ctx context.Context, id string, u underWay) error {
	return h.db.InTx(ctx, func(tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, "insert into under_way (payment_id, kind, by_name, at) values ($1, $2, $3, $4) on conflict do nothing",
			id, u.Kind, u.ByName, u.At); err != nil {
			return fmt.Errorf("note what is under way: %w", err)
		}
		return h.journal.Touch(ctx, tx, payment.Stream(id))
	})
}

// readUnderWay is what payments-core has taken for a payment; nil for nothing.
func (h *handlers) readUnderWay(ctx context.Context, id string) (*underWay, error) {
	var u underWay
	err := h.db.Pool().QueryRow(ctx, "select kind, by_name, at from under_way where payment_id = $1", id).Scan(&u.Kind, &u.ByName, &u.At)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read what is under way: %w", err)
	}
	return &u, nil
}
