package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"countersign.example/pkg/service"
)

// total returns the total of an order of the script.
func total(o order) (cents int64) {
	for _, line := range o.lines {
		for _, p := range products {
			if p.sku == line.sku {
				cents += p.cents * line.quantity
			}
		}
	}
	return cents - (cents*o.discount+5_000)/10_000
}

func TestTheScriptNamesOnlyWhatThereIs(t *testing.T) {
	names := map[string]bool{}
	for _, o := range orders {
		if names[o.name] {
			t.Errorf("two orders are called %q: they would be one", o.name)
		}
		names[o.name] = true
		for _, line := range o.lines {
			if !slices.ContainsFunc(products, func(p product) bool { return p.sku == line.sku }) {
				t.Errorf("order %q has a product %s, which nobody added", o.name, line.sku)
			}
		}
		if o.customer != "" && !slices.ContainsFunc(customers, func(c customer) bool { return c.name == o.customer }) {
			t.Errorf("order %q is for %q, whom nobody added", o.name, o.customer)
		}
		if o.submit && (o.customer == "" || len(o.lines) == 0) {
			t.Errorf("order %q cannot be submitted", o.name)
		}
	}
}

func TestTheGatewayMisbehavesOnlyWhereTheScriptWantsIt(t *testing.T) {
	for _, o := range orders {
		ending := total(o) % 100
		if wanted := o.name == "cloakroom"; (ending == 8) != wanted || !wanted && ending > 0 && ending < 18 {
			t.Errorf("order %q comes to %d: the gateway would answer as for amounts ending in %02d", o.name, total(o), ending)
		}
	}
}

func TestTheMarkOfTheEndIsADraft(t *testing.T) {
	// Its sequence tells that it is whole: one event for its beginning and one for each line.
	if last := orders[len(orders)-1]; last.submit || last.customer != "" || last.discount != 0 {
		t.Errorf("the last order has more events than its lines: %+v", last.name)
	}
}

func TestConfigSaysWhatIsRead(t *testing.T) {
	var page bytes.Buffer
	if err := dispatch(t.Context(), []string{"config"}, &page); err != nil {
		t.Fatal(err)
	}
	for _, v := range service.Variables(config{}) {
		if !strings.Contains(page.String(), v.Name) {
			t.Errorf("%s is missing in\n%s", v.Name, page.String())
		}
		t.Setenv(v.Name, "") // it comes back after the test
		if err := os.Unsetenv(v.Name); err != nil {
			t.Fatal(err)
		}
	}
	if err := dispatch(t.Context(), nil, &page); err == nil || !strings.Contains(err.Error(), "ORDERING_CORE_TOKEN is not set") {
		t.Errorf("without any variable: %v", err)
	}
}
