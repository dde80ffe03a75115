package docker

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

func TestOurServicesMayDoNothingBesides(t *testing.T) {
	for _, services := range ours(loadCompose(t)) {
		for _, service := range services {
			if !service.ReadOnly {
				t.Errorf("%s may write beside its program", service.Name)
			}
			if len(service.CapAdd) > 0 || len(service.Tmpfs) > 0 || service.Privileged {
				t.Errorf("%s is given what none of ours needs", service.Name)
			}
			for _, volume := range service.Volumes {
				if volume.Source != keys || volume.Target != "/keys" || volume.ReadOnly != (service.Name != keys) {
					t.Errorf("%s is given %s: ours read keys, and one makes them", service.Name, volume)
				}
			}
			if signs := service.Environment["EVENT_SIGNING_KEY_FILE"] != nil; len(service.Volumes) == 0 && signs && service.Restart != types.RestartPolicyNo {
				t.Errorf("%s has no keys", service.Name)
			}
		}
	}
}

func TestNobodyHasMoreThanItNeeds(t *testing.T) {
	for _, service := range loadCompose(t).Services {
		if !slices.Equal(service.CapDrop, []string{"ALL"}) {
			t.Errorf("%s keeps capabilities: it drops %v", service.Name, service.CapDrop)
		}
		if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may gain privileges", service.Name)
		}
	}
}

// A Java machine for every look took a third of a core, for ever, and did not answer in time on a busy
// machine.
func TestNoHealthCheckStartsAJavaMachine(t *testing.T) {
	for _, service := range loadCompose(t).Services {
		if service.HealthCheck == nil {
			continue
		}
		test := strings.Join(service.HealthCheck.Test, " ")
		if strings.Contains(test, "java") || strings.Contains(test, "/opt/kafka/bin/") {
			t.Errorf("%s is asked by %q", service.Name, test)
		}
	}
}

// Whatever waits for a service waits for its first look as well.
func TestServicesAreAskedSoon(t *testing.T) {
	for _, services := range ours(loadCompose(t)) {
		for _, service := range services {
			check := service.HealthCheck
			switch {
			case check == nil:
				t.Errorf("%s is asked as often as its image says", service.Name)
			case check.Disable != (service.Restart != types.RestartPolicyUnlessStopped):
				t.Errorf("%s: what runs on is asked how it is, and only that", service.Name)
			case !check.Disable && (check.Interval == nil || check.Interval.String() != "3s" || len(check.Test) > 0):
				t.Errorf("%s: the check is the image's, every 3 s", service.Name)
			}
		}
	}
}

// The same id for every cluster would hide that the topics are not those that a journal belongs to.
func TestEachKafkaVolumeHasAClusterIDOfItsOwn(t *testing.T) {
	kafka := loadCompose(t).Services["kafka"]
	if _, fixed := kafka.Environment["CLUSTER_ID"]; fixed {
		t.Error("the cluster's id is the same on every volume")
	}
	command := strings.Join(kafka.Command, " ")
	for _, part := range []string{kafka.Volumes[0].Target + "/meta.properties", "kafka-storage.sh random-uuid", "export CLUSTER_ID="} {
		if !strings.Contains(command, part) {
			t.Errorf("the command has no %q", part)
		}
	}
}
