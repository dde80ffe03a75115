package pg_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// leaderVariable has TestLeaderProcess lead in the database that it names.
const leaderVariable = "PG_TEST_LEADER_DATABASE"

func TestAHostThatVanishesIsFollowed(t *testing.T) {
	// given a leader on a host of its own, and another candidate
	database := pgtest.NewURL(t)
	host := newHost(t)
	leader := host.command(os.Args[0], "-test.run=^TestLeaderProcess$", "-test.timeout=2m")
	leader.Env = append(os.Environ(), leaderVariable+"="+host.forward(database))
	leader.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	printed, err := leader.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, leader.Start())
	t.Cleanup(func() { _ = leader.Process.Kill(); _ = leader.Wait() })
	lines := make(chan string, 100)
	go func() {
		for scanner := bufio.NewScanner(printed); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	said := func(word string) {
		t.Helper()
		for line := receive(t, lines); !strings.Contains(line, word); line = receive(t, lines) {
		}
	}
	said("leads")
	terms := make(chan term, 10)
	candidate(t, open(t, database), "second", terms)

	// when the first one's host vanishes: nothing is closed, nobody is told
	host.vanish()
	vanished := time.Now()

	// then it stops by itself before the other one begins, which is soon
	said("stopped")
	require.Empty(t, terms)
	next := receive(t, terms)
	require.Less(t, next.began.Sub(vanished), 15*time.Second)
}

// TestLeaderProcess is no test: it is the process on the other host.
func TestLeaderProcess(t *testing.T) {
	database := os.Getenv(leaderVariable)
	if database == "" {
		t.Skip("a part of TestAHostThatVanishesIsFollowed")
	}
	db, err := pg.Open(t.Context(), database)
	require.NoError(t, err)
	_ = db.Lead(t.Context(), "test", func(ctx context.Context, _ pg.Lease) error {
		fmt.Println("leads")
		<-ctx.Done()
		fmt.Println("stopped")
		return nil
	})
}

// host is a network namespace that reaches this one over a cable.
type host struct {
	t           *testing.T
	name, cable string
	gateway     string // this end's address
}

// newHost needs to be root, and iproute2.
func newHost(t *testing.T) *host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI installs iproute2, and ip is not there")
		}
		t.Skip("ip is missing: apt-get install iproute2")
	}
	n := rand.N(1 << 14)
	h := &host{t: t, name: fmt.Sprintf("cstest%d", n), cable: fmt.Sprintf("cst%d", n)}
	subnet := fmt.Sprintf("10.213.%d.", n>>6)
	first := n & 63 * 4
	h.gateway = fmt.Sprintf("%s%d", subnet, first+1)
	if out, err := exec.Command("ip", "netns", "add", h.name).CombinedOutput(); err != nil {
		t.Skipf("this machine lets nobody make network namespaces: %s", out)
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "link", "del", h.cable).Run()
		_ = exec.Command("ip", "netns", "del", h.name).Run()
	})
	h.ip("link", "add", h.cable, "type", "veth", "peer", "name", "eth0", "netns", h.name)
	h.ip("addr", "add", h.gateway+"/30", "dev", h.cable)
	h.ip("link", "set", h.cable, "up")
	h.ip("-n", h.name, "addr", "add", fmt.Sprintf("%s%d/30", subnet, first+2), "dev", "eth0")
	h.ip("-n", h.name, "link", "set", "eth0", "up")
	return h
}

func (h *host) ip(args ...string) {
	h.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		h.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (h *host) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.name, name}, args...)...)
}

// vanish cuts the cable.
func (h *host) vanish() { h.ip("link", "set", h.cable, "down") }

// forward gives the address of the database for the host. The server itself listens to this machine only; it
// keeps its end of every connection, as it does when a host has vanished.
func (h *host) forward(database string) string {
	h.t.Helper()
	u, err := url.Parse(database)
	require.NoError(h.t, err)
	server := u.Host
	listener, err := (&net.ListenConfig{}).Listen(h.t.Context(), "tcp", h.gateway+":0")
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	h.t.Cleanup(func() { cancel(); _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = client.Close(), conn.Close() })
			go func() { _, _ = io.Copy(conn, client) }()
			go func() { _, _ = io.Copy(client, conn) }()
		}
	}()
	u.Host = listener.Addr().String()
	return u.String()
}
