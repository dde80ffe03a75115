// Package docker holds what builds and starts the containers; its tests hold docker-compose.yml to
// what the services really read, without needing a container engine.
package docker

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

func loadCompose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithWorkingDirectory(root))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// ours are the services that are built here, by image.
func ours(project *types.Project) map[string][]types.ServiceConfig {
	byImage := map[string][]types.ServiceConfig{}
	for _, s := range project.Services {
		if s.Build != nil {
			byImage[s.Image] = append(byImage[s.Image], s)
		}
	}
	return byImage
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
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for image, services := range ours(loadCompose(t)) {
		known, required := variables(t, services[0].Build)
		if len(known) == 0 {
			t.Fatalf("%s reads no variables at all?", image)
		}
		for name := range known {
			if !bytes.Contains(readme, []byte("| `"+name+"` |")) {
				t.Errorf("README.md does not list %s", name)
			}
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
			migrates := strings.HasSuffix(service.Name, "-migrate")
			waitsForMigration := false
			for on, dependency := range service.DependsOn {
				switch {
				case strings.HasSuffix(on, "-migrate"):
					waitsForMigration = true
					if dependency.Condition != types.ServiceConditionCompletedSuccessfully {
						t.Errorf("%s waits for %s to be %s", service.Name, on, dependency.Condition)
					}
				case dependency.Condition != types.ServiceConditionHealthy:
					t.Errorf("%s waits for %s to be %s", service.Name, on, dependency.Condition)
				case project.Services[on].HealthCheck == nil && project.Services[on].Build == nil:
					t.Errorf("%s waits for the health of %s, which has no check", service.Name, on)
				}
			}
			if migrates == waitsForMigration {
				t.Errorf("%s: only migrations start without a migration", service.Name)
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
		"5003": "sandbox-gateway", "8080": "kafka-console", "9092": "kafka",
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
	script := filepath.Join(root, "deploy", "docker", "postgres-init.sh")
	if info, err := os.Stat(script); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("the script that makes the databases is not there or not executable: %v", err)
	}
}
