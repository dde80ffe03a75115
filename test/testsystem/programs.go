package testsystem

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg/pgtest"
)

// seed is the program that fills an empty system.
const seed = "seed"

// packages are what is built for each program, from the repository's root.
var packages = map[string]string{
	Gateway:    "./payments-core/cmd/sandbox-gateway",
	Core:       "./payments-core",
	Ordering:   "./ordering-core",
	Contractor: "./contractor-ui",
	Manager:    "./manager-ui",
	seed:       "./deploy/seed",
	Identity:   "./deploy/identity",
}

var built struct {
	once sync.Once
	dir  string
	err  error
}

// Programs is the folder of this version's programs. They are built once for a test process, unless TEST_BIN
// names the folder.
func Programs(tb testing.TB) string {
	tb.Helper()
	built.once.Do(func() {
		if built.dir = os.Getenv("TEST_BIN"); built.dir != "" {
			return // built already
		}
		built.dir, built.err = os.MkdirTemp("", "countersign-bin-")
		for name, pkg := range packages {
			cmd := exec.Command("go", "build", "-o", filepath.Join(built.dir, name), pkg)
			cmd.Dir = Root()
			if out, err := cmd.CombinedOutput(); err != nil {
				built.err = fmt.Errorf("build %s: %w\n%s", name, err, out)
				return
			}
		}
	})
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.dir
}

// Cleanup removes the binaries; call it at the end of TestMain.
func Cleanup() {
	if os.Getenv("TEST_BIN") == "" && built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}

// Root is the repository's root: the folder with go.work above the working directory.
func Root() string {
	dir, _ := os.Getwd()
	for dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return "."
}

// digests are those of the programs of this test process, by path.
var digests sync.Map

// digest is that of a file which does not change.
func digest(path string) ([]byte, error) {
	if known, ok := digests.Load(path); ok {
		return known.([]byte), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil, err
	}
	digests.Store(path, sum.Sum(nil))
	return sum.Sum(nil), nil
}

// migrated returns a copy of a database that a service's program has migrated, on a server of its own or,
// where that is "", on the tests'. The same program makes the same tables.
func (s *System) migrated(name, server string) (address string) {
	s.tb.Helper()
	digest, err := digest(filepath.Join(s.bin, name))
	if err != nil {
		s.tb.Fatal(err)
	}
	fill := func(address string) error {
		cmd := s.Command(s.tb.Context(), name, "migrate")
		cmd.Env = append(cmd.Env, "DATABASE_URL="+pgtest.Serving(s.tb, address), "MIGRATE_DATABASE_URL="+address)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s migrate: %w\n%s", name, err, out)
		}
		return nil
	}
	if server != "" {
		return pgtest.CopyOn(s.tb, server, digest, fill)
	}
	return pgtest.Copy(s.tb, digest, fill)
}

// createTopics makes those that migrate makes, where the databases are copies.
func (s *System) createTopics() {
	s.tb.Helper()
	client := kafka.Open("test", s.Parts.Connection)
	defer client.Close()
	err := client.CreateTopics(s.tb.Context(), kafka.DeadLettersConfig(),
		kafka.TopicConfig{Name: payment.Topic, Partitions: payment.Partitions}, kafka.TopicConfig{Name: order.Topic, Partitions: order.Partitions},
		kafka.TopicConfig{Name: catalog.Topic, Partitions: catalog.Partitions}, kafka.TopicConfig{Name: people.Topic, Partitions: people.Partitions})
	if err != nil {
		s.tb.Fatal(err)
	}
}
