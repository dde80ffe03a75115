package upgrade

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign.example/test/testsystem"
)

func TestTheVersionBeforeAndThisOneWorkTogether(t *testing.T) {
	old, now := programsOf(t, commitBefore(t)), testsystem.Programs(t)

	// given a system of which one half is of the version before
	sys := testsystem.NewOf(t, old, signsNotYet)
	first := ask(t, sys, "Asked-before")
	sees(t, sys, first)
	renew := func(names ...string) {
		sys.Use(now)
		for _, name := range names {
			sys.Run(name, "migrate")
			if err := sys.Stop(name); err != nil {
				t.Errorf("stop %s: %v", name, err)
			}
			sys.Start(name)
			sys.WaitReady(name)
		}
	}
	renew(testsystem.Manager, testsystem.Core)

	// then what either half writes counts for the other
	second := ask(t, sys, "Asked-between")
	sees(t, sys, first, second)

	// and once all are of this version, everything is signed, and nothing was set apart meanwhile
	renew(testsystem.Contractor, testsystem.Ordering)
	third := ask(t, sys, "Asked-after")
	sees(t, sys, first, second, third)
	sys.Settle(t)
	for _, name := range programs {
		if list := sys.Run(name, "dead-letters", "list"); strings.Contains(list, "refused") || strings.Contains(list, "poison") {
			t.Errorf("%s has set apart: %s", name, list)
		}
	}
	for _, name := range []string{testsystem.Manager, testsystem.Core} {
		if got := signed(t, sys, name, second); got != "payment_requested unsigned, payment_accepted signed, payment_authorized signed, payment_captured signed" {
			t.Errorf("%s has of the second payment: %s", name, got)
		}
		if got := signed(t, sys, name, third); strings.Contains(got, "unsigned") {
			t.Errorf("%s has of the third payment: %s", name, got)
		}
	}
}

// signed says of each event of the payment with a description whether its journal has a signature of it.
func signed(t *testing.T, sys *testsystem.System, service, description string) (events string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), sys.Database[service])
	if err == nil {
		defer func() { _ = conn.Close(t.Context()) }()
		err = conn.QueryRow(t.Context(), `select string_agg(type || case when signature is null then ' unsigned' else ' signed' end, ', ' order by log) from journal
			where stream = (select stream from journal where type = 'payment_requested' and data ->> 'description' = $1)`, description).Scan(&events)
	}
	if err != nil {
		t.Fatal(err)
	}
	return events
}
