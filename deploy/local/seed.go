package main

import "context"

const (
	seedName   = "seed"
	seedSource = "./deploy/seed"
)

// seed puts the first products, customers, orders and payments into an empty system; it leaves any other
// alone. A seed that fails is reported, and stops nothing: the next start goes on with it.
func (l *launcher) seed(ctx context.Context, p parts) error {
	if withProvider() {
		l.out.print("nothing is seeded: the seed plays the demo's people, who have no password")
		return nil
	}
	child, err := l.start(seedName, 32, append(inherited(), seedSettings(p)...), l.path("bin", seedName))
	if err != nil {
		return err
	}
	if err := child.finish(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		l.out.print("not everything was seeded; the next start goes on with it. %v", err)
	}
	return nil
}

func seedSettings(p parts) []string {
	return []string{
		"ORDERING_CORE_URL=" + orderingCore.url(), "ORDERING_CORE_TOKEN=" + p.tokens[seedToOrdering],
		"CONTRACTOR_UI_URL=" + contractorUI.url(), "MANAGER_UI_URL=" + managerUI.url(),
	}
}
