package testsystem

import (
	"testing"

	"github.com/google/uuid"

	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
)

// Send sends ordering-core a command for somebody ("ada-nowak", "Ada Nowak"), as the program does that fills
// an empty system.
func (s *System) Send(tb testing.TB, id, name, path string, body any) {
	tb.Helper()
	client, err := api.NewClient(Ordering, "the address of ordering-core", s.URL(Ordering), token(seed, Ordering))
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	ctx := event.WithMeta(tb.Context(), event.Meta{Actor: id, ActorName: name})
	if err := client.Post(ctx, path, uuid.NewString(), body, nil); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
}

// Product adds one to the catalog, with a price in cents, and returns its id.
func (s *System) Product(tb testing.TB, sku, name string, cents int64) (id string) {
	tb.Helper()
	id = uuid.NewString()
	s.Send(tb, "mia-weber", "Mia Weber", "/products", map[string]any{
		"product_id": id, "sku": sku, "name": name, "price": map[string]any{"amount": cents, "currency": "EUR"},
	})
	return id
}

// Customer adds one and returns its id.
func (s *System) Customer(tb testing.TB, name, email string) (id string) {
	tb.Helper()
	id = uuid.NewString()
	s.Send(tb, "mia-weber", "Mia Weber", "/customers", map[string]any{"customer_id": id, "name": name, "email": email})
	return id
}
