package e2e

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestSortedListsOfOrdersAreLive(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	draftFor := func(customer string) {
		id, whom := uuid.NewString(), sys.Customer(t, customer, uuid.NewString()[:8]+"@example.com")
		sys.Send(t, "ada-nowak", "Ada Nowak", "/orders", map[string]any{"order_id": id})
		sys.Send(t, "ada-nowak", "Ada Nowak", "/orders/"+id+"/customer", map[string]any{"customer_id": whom})
		sys.Settle(t)
	}
	sys.Product(t, "CEM-25", "Cement", 7_90)
	draftFor("Meyer family")
	draftFor("Adler House")
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager)+"/orders")
	mia.Press("CUSTOMER")
	mia.Eventually(`document.querySelector("[aria-sort=ascending]")?.innerText === "CUSTOMER"`)
	ada := b.Tab(t, sys.URL(testsystem.Contractor)+"/orders?sort=-customer")
	catalog := b.Tab(t, sys.URL(testsystem.Manager)+"/catalog?sort=-price")
	live(mia)
	live(ada)
	live(catalog)

	draftFor("Linden School")
	sys.Product(t, "BRK-100", "Bricks", 86_00)
	sys.Settle(t)

	const customers = `[...document.querySelectorAll("[data-live-list] [data-label=Customer]")].map(c => c.innerText).join(", ")`
	mia.Eventually(customers + ` === "Adler House, Linden School, Meyer family"`)
	ada.Eventually(customers + ` === "Meyer family, Linden School, Adler House"`)
	catalog.See("Bricks")
	require.Equal(t, "Bricks, Cement", inOrder(catalog))
	for _, tab := range []*browser.Tab{mia, ada, catalog} {
		sameAsAReload(tab)
		wasNotReloaded(t, tab)
	}

	// Whom it is for and what else it is narrowed by go together, and the whole fits.
	mia.Fill("Contractor", "Ada Nowak")
	mia.See("3 orders")
	mia.Press("Filter")
	mia.Fill("From", "2020-01-01")
	mia.Press("Show")
	mia.See("From 1 Jan 2020")
	mia.See("Of Ada Nowak.")
	for tab, name := range map[*browser.Tab]string{mia: "manager-orders", ada: "contractor-orders", catalog: "manager-catalog"} {
		fitsSideways(t, tab, "sorted-"+name)
	}
}
