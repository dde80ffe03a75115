package app

import (
	"strings"
	"testing"
)

func TestContractorUIIsAskedWithAToken(t *testing.T) {
	for _, test := range []struct {
		url, token string
		refused    bool
	}{
		{"http://localhost:3200", "", true}, {"http://localhost:3200", "a-token-of-manager-ui", false}, {"", "", false},
	} {
		err := (&Config{ContractorUIURL: test.url, ContractorUIToken: test.token}).Validate()
		if refused := err != nil && strings.Contains(err.Error(), "CONTRACTOR_UI_API_TOKEN"); refused != test.refused {
			t.Errorf("%q with %q: %v", test.url, test.token, err)
		}
	}
}
