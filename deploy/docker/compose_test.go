// Package docker holds what builds and starts the containers; its tests hold docker-compose.yml to
// what the services really read, without needing a container engine.
package docker

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/jackc/pgx/v5"
)

const (
	root = "../.."
	// These are no services, but run once.
	keys = "keys"
	seed = "seed"
)

// loadCompose reads docker-compose.yml, with the values that a file .env gives, if there is one.
func loadCompose(t *testing.T, dotenv ...string) *types.Project {
	t.Helper()
	with := []cli.ProjectOptionsFn{cli.WithWorkingDirectory(root), cli.WithDefaultProfiles(strings.Fields(os.Getenv("COMPOSE_PROFILES"))...)}
	if len(dotenv) > 0 {
		with = append(with, cli.WithEnvFiles(dotenv...), cli.WithDotEnv)
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, with...)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// ours are the services whose images are built here, by image.
func ours(project *types.Project) map[string][]types.ServiceConfig {
	byImage := map[string][]types.ServiceConfig{}
	for _, s := range project.Services {
		if strings.HasPrefix(s.Image, "countersign/") {
			byImage[s.Image] = append(byImage[s.Image], s)
		}
	}
	return byImage
}

// buildOf is how an image is built: one of the services that run it says so.
func buildOf(t *testing.T, image string, services []types.ServiceConfig) *types.BuildConfig {
	t.Helper()
	var found []*types.BuildConfig
	for _, s := range services {
		if s.Build != nil {
			found = append(found, s.Build)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d services build %s: each builds it again, and moves its tag", len(found), image)
	}
	return found[0]
}

// variables asks the binary that an image would hold which variables it reads and which it must have.
func variables(t *testing.T, build *types.BuildConfig) (known, required map[string]bool) {
	t.Helper()
	source := "."
	if value := build.Args["PACKAGE"]; value != nil {
		source = *value
	}
	cmd := exec.Command("go", "run", source, "config")
	cmd.Dir = filepath.Join(root, *build.Args["MODULE"])
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	table, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s config: %v\n%s", cmd.Dir, err, stderr.String())
	}
	known, required = map[string]bool{}, map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] != "VARIABLE" {
			known[fields[0]] = true
			required[fields[0]] = fields[1] == "(required)"
		}
	}
	return known, required
}

func TestEveryVariableIsOneThatTheServiceReads(t *testing.T) {
	for image, services := range ours(loadCompose(t)) {
		known, required := variables(t, buildOf(t, image, services))
		if len(known) == 0 {
			t.Fatalf("%s reads no variables at all?", image)
		}
		for _, service := range services {
			for name := range service.Environment {
				if !known[name] {
					t.Errorf("%s sets %s, which nothing reads", service.Name, name)
				}
			}
			for name, must := range required {
				if _, set := service.Environment[name]; must && !set {
					t.Errorf("%s lacks %s", service.Name, name)
				}
			}
		}
	}
}

func TestServicesWaitForWhatTheyNeed(t *testing.T) {
	project := loadCompose(t)
	for _, services := range ours(project) {
		for _, service := range services {
			if len(service.DependsOn) == 0 {
				t.Errorf("%s waits for nothing", service.Name)
			}
			if service.Name == seed || service.Name == keys {
				continue // the seed waits for the services, which have waited for their migrations
			}
			migrates := strings.HasSuffix(service.Name, "-migrate")
			waitsForMigration := false
			for on, dependency := range service.DependsOn {
				switch {
				case strings.HasSuffix(on, "-migrate"):
					waitsForMigration = true
					if dependency.Condition != types.ServiceConditionCompletedSuccessfully {
						t.Errorf("%s waits for %s to be %s", service.Name, on, dependency.Condition)
					}
				case on == "databases", on == keys:
					if dependency.Condition != types.ServiceConditionCompletedSuccessfully {
						t.Errorf("%s waits for %s to be %s", service.Name, on, dependency.Condition)
					}
				case dependency.Condition != types.ServiceConditionHealthy:
					t.Errorf("%s waits for %s to be %s", service.Name, on, dependency.Condition)
				case project.Services[on].HealthCheck == nil:
					t.Errorf("%s waits for the health of %s, which has no check", service.Name, on)
				}
			}
			if migrates == waitsForMigration {
				t.Errorf("%s: only migrations start without a migration", service.Name)
			}
			if _, waits := service.DependsOn["databases"]; migrates && !waits {
				t.Errorf("%s does not wait for its database", service.Name)
			}
			if migrates && service.Restart != "no" {
				t.Errorf("%s would run for ever", service.Name)
			}
		}
	}
}

func TestPortsAreTheDocumentedOnesAndOpenToThisMachineOnly(t *testing.T) {
	want := map[string]string{
		"3000": "contractor-ui-web", "4000": "manager-ui-web", "5001": "payments-core-web",
		"5002": "ordering-core-web", "5003": "sandbox-gateway", "8080": "kafka-console", "9092": "kafka",
	}
	for _, service := range loadCompose(t).Services {
		for _, port := range service.Ports {
			if want[port.Published] != service.Name {
				t.Errorf("%s is open at %s", service.Name, port.Published)
			}
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is open to the network", service.Name)
			}
			delete(want, port.Published)
		}
	}
	for port, name := range want {
		t.Errorf("nothing is open at %s, where %s should be", port, name)
	}
}

// Two systems may run side by side.
func TestPublishedPortsMove(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	settings := "CONTRACTOR_UI_PORT=13000\nMANAGER_UI_PORT=14000\nPAYMENTS_CORE_PORT=15001\nORDERING_CORE_PORT=15002\n" +
		"SANDBOX_GATEWAY_PORT=15003\nKAFKA_CONSOLE_PORT=18080\nKAFKA_PORT=19092\n"
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	project := loadCompose(t, file)
	for _, service := range project.Services {
		for _, port := range service.Ports {
			if want := fmt.Sprint(port.Target + 10_000); port.Published != want {
				t.Errorf("%s is open at %s, not at %s", service.Name, port.Published, want)
			}
		}
	}
	if advertised := *project.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"]; !strings.HasSuffix(advertised, "EXTERNAL://localhost:19092") {
		t.Errorf("Kafka sends its clients to %s", advertised)
	}
}

func TestEachServiceHasItsOwnDatabaseAndRoles(t *testing.T) {
	script, err := os.ReadFile("databases.sh")
	if err != nil {
		t.Fatal(err)
	}
	project := loadCompose(t)
	databases := project.Services["databases"]
	owner := map[string]string{}
	for image, services := range ours(project) {
		for _, service := range services {
			if service.Environment["DATABASE_URL"] == nil {
				continue
			}
			address, err := url.Parse(*service.Environment["DATABASE_URL"])
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(address.Path, "/")
			if address.User.Username() != name+"_service" {
				t.Errorf("%s is %s in the database %s", service.Name, address.User, name)
			}
			// What serves does not know how to become who owns the tables.
			migrates := strings.HasSuffix(service.Name, "-migrate")
			if owned := service.Environment["MIGRATE_DATABASE_URL"]; migrates != (owned != nil) {
				t.Errorf("%s: migrations alone have the owner's address", service.Name)
			} else if migrates && *owned != strings.Replace(address.String(), name+"_service@", name+"@", 1) {
				t.Errorf("%s migrates %s as no owner", service.Name, *owned)
			}
			password, want := *service.Environment["PGPASSWORD"], *databases.Environment[strings.ToUpper(name)+"_PASSWORD"]
			if migrates {
				want = *databases.Environment[strings.ToUpper(name)+"_OWNER_PASSWORD"]
			}
			if password != want {
				t.Errorf("%s has another password than its role", service.Name)
			}
			if other, taken := owner[name]; taken && other != image {
				t.Errorf("%s and %s share a database", image, other)
			}
			owner[name] = image
			if !bytes.Contains(script, []byte("make "+name+" "+strings.ToUpper(name)+"\n")) {
				t.Errorf("the script does not make %s", name)
			}
		}
	}
}

// A password may hold any characters, as far as a file .env can: it comes to the role, and to the services,
// as it was written.
func TestPasswordsMayHoldAnyCharacters(t *testing.T) {
	const password, written = `p@:/?#[]%41&=+ $HOME${X}"\ü'q`, `'p@:/?#[]%41&=+ $HOME${X}"\ü\'q'`
	dotenv := "POSTGRES_PASSWORD=" + written + "\n"
	for _, service := range []string{"CONTRACTOR_UI", "MANAGER_UI", "PAYMENTS_CORE", "ORDERING_CORE", "SANDBOX_GATEWAY"} {
		dotenv += service + "_PASSWORD=" + written + "\n" + service + "_OWNER_PASSWORD=" + written + "\n"
	}
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte(dotenv), 0o600); err != nil {
		t.Fatal(err)
	}
	project := loadCompose(t, file)
	got := map[string]string{"postgres": *project.Services["postgres"].Environment["POSTGRES_PASSWORD"]}
	for name, value := range project.Services["databases"].Environment {
		if strings.HasSuffix(name, "PASSWORD") {
			got["databases' "+name] = *value
		}
	}
	for _, services := range ours(project) {
		for _, service := range services {
			address := service.Environment["DATABASE_URL"]
			if address == nil {
				continue
			}
			if u, err := url.Parse(*address); err != nil || u.User.String() != u.User.Username() {
				t.Errorf("%s has its password in an address, where some characters mean something (%v)", service.Name, err)
			}
			given := service.Environment["PGPASSWORD"]
			if given == nil {
				continue
			}
			t.Setenv("PGPASSWORD", *given)
			config, err := pgx.ParseConfig(*address)
			if err != nil {
				t.Fatal(err)
			}
			got[service.Name] = config.Password
		}
	}
	for who, has := range got {
		if has != password {
			t.Errorf("%s: the password is %q, not %q", who, has, password)
		}
	}
}

func TestEveryCallersTokenIsOneThatTheCoreAccepts(t *testing.T) {
	project := loadCompose(t)
	for caller, cores := range map[string]map[string]string{
		"contractor-ui-web": {"ORDERING_CORE_TOKEN": "ordering-core-web"},
		"manager-ui-web":    {"ORDERING_CORE_TOKEN": "ordering-core-web", "PAYMENTS_CORE_TOKEN": "payments-core-web"},
		seed:                {"ORDERING_CORE_TOKEN": "ordering-core-web"},
	} {
		for variable, core := range cores {
			pair := strings.TrimSuffix(caller, "-web") + "=" + *project.Services[caller].Environment[variable]
			accepted := strings.Split(*project.Services[core].Environment["SERVICE_TOKENS"], ",")
			if !slices.Contains(accepted, pair) {
				t.Errorf("%s knows %v, and %s says %s", core, accepted, caller, pair)
			}
		}
	}
}

func TestDataAreKeptInNamedVolumes(t *testing.T) {
	project := loadCompose(t)
	for _, name := range []string{"postgres", "redis", "kafka"} {
		kept := false
		for _, volume := range project.Services[name].Volumes {
			kept = kept || volume.Type == types.VolumeTypeVolume && volume.Source == name
		}
		if _, declared := project.Volumes[name]; !kept || !declared {
			t.Errorf("%s loses its data with its container", name)
		}
	}
	script := filepath.Join(root, "deploy", "docker", "databases.sh")
	if info, err := os.Stat(script); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("the script that makes the databases is not there or not executable: %v", err)
	}
}

// Where no registry can be reached, CI builds with images that stand in for those of others: it names each
// service that builds one.
func TestWhatIsBuiltIsBuiltFromStandInsToo(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml"), filepath.Join(root, ".ci", "standins", "compose.yml")},
		cli.WithWorkingDirectory(root), cli.WithDefaultProfiles("*"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range project.Services {
		if s.Build != nil && s.Build.Args["RUNTIME_IMAGE"] == nil {
			t.Errorf(".ci/standins/compose.yml does not say from what %s is built", s.Name)
		}
	}
}
