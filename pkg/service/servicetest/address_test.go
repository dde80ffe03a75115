package servicetest_test

import (
	"net"
	"runtime"
	"testing"

	"countersign.example/pkg/service/servicetest"
)

func TestAnAddressIsGivenToOneProcessOnly(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("ports are claimed on Linux only")
	}
	_, port, err := net.SplitHostPort(servicetest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	claim, err := net.Listen("unix", "@countersign-test-port-"+port)
	if err == nil {
		_ = claim.Close()
		t.Errorf("another process may be given port %s", port)
	}
}
