package live_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/embedded/devca"
	"countersign.example/pkg/live"
	"countersign.example/pkg/service"
)

// securedRedis starts a real redis-server that takes TLS alone, with the users of deploy/redis, and returns
// its address for somebody ("user:password@"), and the file of whom to trust.
func securedRedis(t *testing.T) (address func(who string) string, caFile string) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("redis-server is missing: apt-get install redis-server")
	}
	ca, err := devca.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(devca.Leaf{Name: "redis", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	arguments, err := embedded.SecuredRedis{
		Dir: t.TempDir(), Port: port, CertFile: pair.CertFile, KeyFile: pair.KeyFile, CAFile: ca.CertFile(),
		UsersFile: "../../deploy/redis/users.acl",
		Passwords: map[string]string{"contractor-ui": "theirs", "manager-ui": "others"},
	}.Arguments()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, arguments...)
	server.Stdout, server.Stderr = t.Output(), t.Output()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	return func(who string) string { return fmt.Sprintf("rediss://%s127.0.0.1:%d", who, port) }, ca.CertFile()
}

func TestAnAppReachesNothingButItsOwnStream(t *testing.T) {
	address, caFile := securedRedis(t)
	trusted, err := service.ReadCAs("REDIS_CA_FILE", caFile)
	if err != nil {
		t.Fatal(err)
	}
	// Given two apps, each by its own user, what is pushed comes in: the rights suffice.
	contractors := newAppAt(t, "contractor-ui", address("contractor-ui:theirs@"), trusted)
	managers := newAppAt(t, "manager-ui", address("manager-ui:others@"), trusted)
	for _, a := range []*app{contractors, managers} {
		a.push()
		b := a.open(0)
		for i := range 20 {
			a.change(fmt.Sprint("doc-", i))
		}
		eventually(t, "the page equals a reload", b.equalsReload)
	}

	// Then one can neither read nor write what is the other's, nor do what concerns the whole server.
	ctx := t.Context()
	if n, err := contractors.redis.XLen(ctx, "live:contractor-ui").Result(); err == nil {
		t.Errorf("a command that is not needed is allowed, and says %d", n)
	}
	for name, do := range map[string]func() error{
		"read the other's stream": func() error { return contractors.redis.XRange(ctx, "live:manager-ui", "-", "+").Err() },
		"follow it": func() error {
			return contractors.redis.XRead(ctx, &redis.XReadArgs{Streams: []string{"live:manager-ui", "0"}, Block: -1}).Err()
		},
		"write to it": func() error {
			return contractors.redis.XAdd(ctx, &redis.XAddArgs{Stream: "live:manager-ui", Values: []string{"a", "b"}}).Err()
		},
		"read it by a script": func() error {
			return contractors.redis.Eval(ctx, "return redis.call('GET', 'live:manager-ui:epoch')", nil).Err()
		},
		"write beside it": func() error { return contractors.redis.Set(ctx, "live:manager-ui:epoch", "x", 0).Err() },
		"write elsewhere": func() error { return contractors.redis.Set(ctx, "live:contractor-uix", "x", 0).Err() },
		"FLUSHALL":        func() error { return contractors.redis.FlushAll(ctx).Err() },
		"FLUSHDB":         func() error { return contractors.redis.FlushDB(ctx).Err() },
		"CONFIG":          func() error { return contractors.redis.ConfigGet(ctx, "*").Err() },
		"KEYS":            func() error { return contractors.redis.Keys(ctx, "*").Err() },
		"ACL":             func() error { return contractors.redis.Do(ctx, "ACL", "LIST").Err() },
		"FLUSHALL in a script": func() error {
			return contractors.redis.Eval(ctx, "return redis.call('FLUSHALL')", nil).Err()
		},
	} {
		if err := do(); err == nil || !redis.HasErrorPrefix(err, "NOPERM") && !isScripts(err) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Nobody comes without a password, with another one, or to a server that nobody vouches for.
	for name, c := range map[string]struct {
		address string
		trusts  bool
	}{
		"without a user":        {address(""), true},
		"by another's password": {address("manager-ui:theirs@"), true},
		"without trust":         {address("contractor-ui:theirs@"), false},
	} {
		given := trusted
		if !c.trusts {
			given = nil
		}
		client, err := live.Connect(c.address, given)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Get(context.Background(), "live:contractor-ui:epoch").Err(); err == nil {
			t.Errorf("%s: let in", name)
		}
		_ = client.Close()
	}
}

// isScripts is the refusal of a command within a script, which versions of Redis word in two ways.
func isScripts(err error) bool {
	return strings.Contains(err.Error(), "The user executing the script can't") || strings.Contains(err.Error(), "ACL failure in script")
}
