package network

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/test/faultrun/fault"
)

func TestMain(m *testing.M) {
	if err := Isolate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// short is enough for an answer on this machine, and shorter than any delay.
const short = 150 * time.Millisecond

func TestCutLinkTellsBothSidesAndTakesOthers(t *testing.T) {
	n, address := echo(t)
	client := connect(t, address)
	require.NoError(t, client.says("before", time.Second))
	heal := breaks(t, n, "link cut")
	require.Nil(t, heal)
	require.ErrorIs(t, client.says("after", time.Second), syscall.ECONNRESET)
	require.NoError(t, connect(t, address).says("again", time.Second))
}

func TestRefusedLinkTakesNobody(t *testing.T) {
	n, address := echo(t)
	client := connect(t, address)
	require.NoError(t, client.says("before", time.Second))
	heal := breaks(t, n, "link refused")
	require.Error(t, client.says("after", time.Second))
	_, err := net.DialTimeout("tcp", address, time.Second)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, heal(t.Context()))
	require.NoError(t, connect(t, address).says("again", time.Second))
}

func TestSlowLinksAreSlowUntilTheyAreHealed(t *testing.T) {
	for _, kind := range []string{"link delayed", "link throttled"} {
		t.Run(kind, func(t *testing.T) {
			n, address := echo(t)
			client := connect(t, address)
			heal := breaks(t, n, kind)
			began := time.Now()
			require.NoError(t, client.says(string(make([]byte, 2<<10)), 10*time.Second))
			require.Greater(t, time.Since(began), 40*time.Millisecond, "both ways")
			require.NoError(t, heal(t.Context()))
			require.NoError(t, client.says("after", short))
		})
	}
}

func TestLinkThatStandsStillGoesOn(t *testing.T) {
	n, address := echo(t)
	n.firewall = false
	client := connect(t, address)
	heal := breaks(t, n, "link stands still")
	require.ErrorIs(t, client.says("held", short), os.ErrDeadlineExceeded)
	require.NoError(t, heal(t.Context()))
	require.NoError(t, client.answers("held", time.Second))
}

func TestSilentLinkTellsNobody(t *testing.T) {
	for _, kind := range []string{"link silent", "link loses answers"} {
		t.Run(kind, func(t *testing.T) {
			n, address := echo(t)
			if !n.firewall {
				t.Skip("only root makes a network really silent")
			}
			client := connect(t, address)
			require.NoError(t, client.says("before", time.Second))
			heal := breaks(t, n, kind)
			require.ErrorIs(t, client.says("held", short), os.ErrDeadlineExceeded)
			_, err := net.DialTimeout("tcp", address, short)
			require.ErrorContains(t, err, "i/o timeout", "nobody says that nobody is there")
			require.NoError(t, heal(t.Context()))
			require.NoError(t, client.answers("held", 5*time.Second), "it was sent again and again")
		})
	}
}

func TestNetworkEndsWhateverItsLinksDo(t *testing.T) {
	n, address := echo(t)
	n.firewall = false
	client := connect(t, address)
	breaks(t, n, "link stands still")
	require.Error(t, client.says("held", short))
	require.NoError(t, n.Close())
	require.Error(t, client.answers("held", time.Second))
}

// echo is a network with one link, to a server that says again what it is told, line by line.
func echo(t *testing.T) (n *Network, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	n = New()
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	address, err = n.Link("client", "echo", listener.Addr().String())
	require.NoError(t, err)
	return n, address
}

func breaks(t *testing.T, n *Network, kind string) healing {
	t.Helper()
	for _, f := range n.Faults(&fault.Environment{}) {
		if f.Kind == kind {
			heal, err := f.Break(t.Context(), rand.New(rand.NewPCG(1, 1)))
			require.NoError(t, err)
			return heal
		}
	}
	t.Fatalf("there is no fault %q", kind)
	return nil
}

type client struct {
	net.Conn
	lines *bufio.Reader
}

func connect(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn, bufio.NewReader(conn)}
}

func (c *client) says(line string, within time.Duration) error {
	if _, err := io.WriteString(c.Conn, line+"\n"); err != nil {
		return err
	}
	return c.answers(line, within)
}

func (c *client) answers(line string, within time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	got, err := c.lines.ReadString('\n')
	if err == nil && got != line+"\n" {
		err = errors.New("it says " + got)
	}
	return err
}
