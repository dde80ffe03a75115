package embedded

import (
	"os"
	"testing"
)

func TestAServerForTestsIsNotDurable(t *testing.T) {
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		t.Skip("needs the PostgreSQL of make test in TEST_DATABASE_URL")
	}
	if err := Durable(t.Context(), server); err == nil {
		t.Error("a PostgreSQL that may lose what it has committed may serve a bench and make run")
	}
}
