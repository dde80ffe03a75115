package docker

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestTheProfileObserveSeesAllOfUs holds what Prometheus asks to what runs and has something to say.
func TestTheProfileObserveSeesAllOfUs(t *testing.T) {
	t.Setenv("COMPOSE_PROFILES", "observe")
	project := loadCompose(t)
	var want []string
	for _, service := range project.Services {
		if admin := service.Environment["ADMIN_ADDR"]; admin != nil && service.Restart != "no" {
			want = append(want, service.Name+*admin)
		}
	}
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "observe", "prometheus.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Scrapes []struct {
			Honor  bool `yaml:"honor_labels"`
			Static []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	asked := config.Scrapes[0].Static[0].Targets
	slices.Sort(want)
	slices.Sort(asked)
	if !slices.Equal(asked, want) || !config.Scrapes[0].Honor {
		t.Errorf("Prometheus asks %q, and these have metrics: %q; it keeps the label service: %v", asked, want, config.Scrapes[0].Honor)
	}
	for _, name := range []string{"prometheus", "tempo", "grafana"} {
		service, there := project.Services[name]
		if !there || !pinned.MatchString(service.Image) || !strings.Contains(service.Image, "@sha256:") || !service.ReadOnly || len(service.CapAdd) > 0 {
			t.Errorf("%s is not there, not pinned by digest, or may do more than it needs", name)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is open to the network", name)
			}
		}
		for _, volume := range service.Volumes {
			if _, err := os.Stat(volume.Source); volume.Type == "bind" && (err != nil || !volume.ReadOnly) {
				t.Errorf("%s is given %s: %v, read-only: %v", name, volume.Source, err, volume.ReadOnly)
			}
		}
	}
}
