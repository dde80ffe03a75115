package k8s

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"countersign.example/deploy/keys/keyring"
	"countersign.example/pkg/embedded/devca"
)

var services = []string{"contractor-ui", "manager-ui", "payments-core", "ordering-core"}

// environment is what the pods of a workload get.
func environment(t *testing.T, folder string, w workload) map[string]string {
	t.Helper()
	c, settings := w.pod.Spec.Containers[0], map[string]string{}
	for _, source := range c.EnvFrom {
		found := false
		for _, m := range of[corev1.ConfigMap](t, folder, "ConfigMap") {
			if m.Name == source.ConfigMapRef.Name && m.Namespace == w.namespace {
				maps.Copy(settings, m.Data)
				found = true
			}
		}
		if !found {
			t.Errorf("%s: %s has no settings %s", folder, w.name, source.ConfigMapRef.Name)
		}
	}
	for _, v := range c.Env {
		settings[v.Name] = v.Value
	}
	return settings
}

// run runs a service's program with nothing in its environment but settings and what `go` needs.
func run(t *testing.T, service string, settings map[string]string, args ...string) (string, error) {
	t.Helper()
	module, source := service, "."
	if service == "sandbox-gateway" {
		module, source = "payments-core", "./cmd/sandbox-gateway"
	}
	cmd := exec.Command("go", append([]string{"run", source}, args...)...)
	cmd.Dir = filepath.Join(root, module)
	for _, name := range []string{"PATH", "HOME", "GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOPROXY"} {
		cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
	}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %v: %w\n%s", service, args, err, stderr.String())
	}
	return string(out), err
}

var tables sync.Map // what services print of their settings

// variables are those that a service reads, and whether it must have them.
func variables(t *testing.T, service string) map[string]bool {
	t.Helper()
	once, _ := tables.LoadOrStore(service, sync.OnceValues(func() (string, error) { return run(t, service, nil, "config") }))
	table, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(table) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] != "VARIABLE" {
			known[fields[0]] = fields[1] == "(required)"
		}
	}
	if len(known) < 10 {
		t.Fatalf("%s reads %d variables alone", service, len(known))
	}
	return known
}

func TestEveryVariableIsOneThatTheServiceReads(t *testing.T) {
	for _, folder := range overlays {
		for _, w := range ours(t, folder) {
			known, settings := variables(t, w.service()), environment(t, folder, w)
			for name := range settings {
				if _, read := known[name]; !read {
					t.Errorf("%s: %s sets %s, which nothing reads", folder, w.name, name)
				}
			}
			for name, must := range known {
				if _, set := settings[name]; must && !set && settings[name+"_FILE"] == "" {
					t.Errorf("%s: %s lacks %s", folder, w.name, name)
				}
			}
			if _, owner := settings["MIGRATE_DATABASE_URL"]; owner != (w.role() == "migrate") {
				t.Errorf("%s: %s: migrations alone have the owner's address", folder, w.name)
			}
			if _, signs := settings["EVENT_SIGNING_KEY_FILE"]; signs != (w.role() == "consumer") {
				t.Errorf("%s: %s: consumers alone have the key that signs", folder, w.name)
			}
		}
	}
}

// files are those that a workload's settings name, each with the Secret or ConfigMap that it is of.
func files(t *testing.T, folder string, w workload) map[string]string {
	t.Helper()
	sources, found := map[string]string{}, map[string]string{}
	for _, m := range w.pod.Spec.Containers[0].VolumeMounts {
		for _, v := range w.pod.Spec.Volumes {
			switch {
			case v.Name != m.Name:
			case v.Secret != nil:
				sources[m.MountPath] = v.Secret.SecretName
				if mode := v.Secret.DefaultMode; mode == nil || *mode != 0o440 {
					t.Errorf("%s: %s lets anybody in the container read %s", folder, w.name, v.Secret.SecretName)
				}
			case v.ConfigMap != nil:
				sources[m.MountPath] = v.ConfigMap.Name
			}
		}
	}
	for name, value := range environment(t, folder, w) {
		for _, path := range regexp.MustCompile(`/[a-z]+/[\w.-]+`).FindAllString(value, -1) {
			source := sources[filepath.Dir(path)]
			switch {
			case strings.HasSuffix(name, "_FILE"), strings.Contains(value, "sslrootcert="+path):
				if source == "" {
					t.Errorf("%s: %s's %s names %s, which is not mounted", folder, w.name, name, path)
				}
				found[path] = source
			}
		}
	}
	return found
}

// With secrets, keys and certificates in their places, production's settings are such that production takes
// them, in each role.
func TestProductionTakesItsSettings(t *testing.T) {
	ca, err := devca.Open(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(devca.Leaf{Name: "pod", Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	keys := t.TempDir()
	for _, s := range services {
		if _, err := keyring.Renew(keys, s, 48*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	const secret = "0123456789abcdef0123456789abcdef"
	for _, w := range ours(t, production) {
		settings, places := environment(t, production, w), files(t, production, w)
		if w.kind == "Job" {
			continue // there is no check for migrate
		}
		folder := t.TempDir()
		for path := range places {
			var content []byte
			switch name := filepath.Base(path); {
			case name == "SERVICE_TOKENS" && w.service() == "ordering-core":
				content = []byte("contractor-ui=" + secret + ",manager-ui=" + secret + "1")
			case name == "SERVICE_TOKENS":
				content = []byte("manager-ui=" + secret)
			case name == "REDIS_URL":
				content = []byte("rediss://" + w.service() + ":" + secret + "@redis.redis:6379")
			case name == "verify.json":
				content = read(t, filepath.Join(keys, name))
			case name == "signing-key.pem":
				content = read(t, filepath.Join(keys, w.service()+".pem"))
			case name == "tls.crt":
				content = read(t, pair.CertFile)
			case name == "tls.key":
				content = read(t, pair.KeyFile)
			case strings.HasSuffix(name, ".pem"):
				content = read(t, ca.CertFile())
			default:
				content = []byte(secret)
			}
			place := filepath.Join(folder, path)
			if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(place, content, 0o600); err != nil {
				t.Fatal(err)
			}
			for name, value := range settings {
				settings[name] = strings.ReplaceAll(value, path, place)
			}
		}
		if _, err := run(t, w.service(), settings, "config", "--check", "--role", w.role()); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// What must be there before, docs/operations.md lists: each Secret and ConfigMap with the files that it
// holds.
func TestWhatIsGivenByReferenceIsDocumented(t *testing.T) {
	text := string(read(t, filepath.Join(root, "docs", "operations.md")))
	needs := map[string][]string{}
	for _, w := range ours(t, production) {
		for path, source := range files(t, production, w) {
			if name := filepath.Base(path); !slices.Contains(needs[source], name) {
				needs[source] = append(needs[source], name)
			}
		}
	}
	for source, names := range needs {
		slices.Sort(names)
		if row := "\n| `" + source + "` | `" + strings.Join(names, "`, `") + "` |"; !strings.Contains(text, row) {
			t.Errorf("docs/operations.md has no row %q", strings.TrimSpace(row))
		}
	}
}

// The users of Kafka that the example declares may do what the services say, and nothing else.
func TestKafkasUsersMayDoWhatTheServicesSay(t *testing.T) {
	said := map[string]bool{}
	for _, s := range services {
		commands, err := run(t, s, nil, "acls")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(commands) {
			user, rest := "", strings.Fields(line)
			var operations []string
			for i, word := range rest[:len(rest)-1] {
				switch next := rest[i+1]; word {
				case "--allow-principal":
					user = strings.TrimPrefix(next, "User:")
				case "--operation":
					operations = append(operations, next)
				case "--topic", "--group":
					for _, operation := range operations {
						said[user+" "+operation+" "+strings.TrimPrefix(word, "--")+" "+next] = true
					}
				}
			}
		}
	}
	declared := map[string]bool{}
	for _, user := range of[struct {
		Metadata struct{ Name string }
		Spec     struct {
			Authorization struct {
				ACLs []struct {
					Resource   struct{ Type, Name string }
					Operations []string
				}
			}
		}
	}](t, strimzi, "KafkaUser") {
		for _, acl := range user.Spec.Authorization.ACLs {
			for _, operation := range acl.Operations {
				declared[user.Metadata.Name+" "+operation+" "+acl.Resource.Type+" "+acl.Resource.Name] = true
			}
		}
	}
	if len(said) < 20 || !maps.Equal(said, declared) {
		t.Errorf("the services say\n%s\nand the example declares\n%s", lines(said), lines(declared))
	}
}

func lines(set map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), "\n")
}
