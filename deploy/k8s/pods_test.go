package k8s

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func workloads(t *testing.T, folder string) (found []workload) {
	t.Helper()
	for _, d := range of[appsv1.Deployment](t, folder, "Deployment") {
		w := workload{kind: "Deployment", name: d.Name, namespace: d.Namespace, replicas: 1, pod: d.Spec.Template}
		if d.Spec.Replicas != nil {
			w.replicas = int(*d.Spec.Replicas)
		}
		found = append(found, w)
	}
	for _, j := range of[batchv1.Job](t, folder, "Job") {
		found = append(found, workload{kind: "Job", name: j.Name, namespace: j.Namespace, replicas: 1, pod: j.Spec.Template})
	}
	return found
}

// Pods of ours may do nothing but what they are for, and so may the parts' of development: Pod Security's
// profile "restricted", and a file system that is not written.
func TestPodsAreRestricted(t *testing.T) {
	for _, folder := range overlays {
		for _, w := range workloads(t, folder) {
			pod, c := w.pod.Spec, w.pod.Spec.Containers[0]
			switch s := pod.SecurityContext; {
			case s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot:
				t.Errorf("%s: %s may run as root", folder, w.name)
			case s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
				t.Errorf("%s: %s may make any system call", folder, w.name)
			}
			if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
				t.Errorf("%s: %s is given a token of Kubernetes", folder, w.name)
			}
			s := c.SecurityContext
			if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Fatalf("%s: %s may gain privileges", folder, w.name)
			}
			if w.name != "kafka" && (s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem) {
				t.Errorf("%s: %s may write beside its program", folder, w.name)
			}
			if len(pod.Containers) != 1 || c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() {
				t.Errorf("%s: %s does not say what it needs, and from which memory on it has a fault", folder, w.name)
			}
			if slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == "GOMEMLIMIT" }) {
				t.Errorf("%s: %s has a GOMEMLIMIT beside its limit, which Go is told anyway", folder, w.name)
			}
		}
		for _, namespace := range of[corev1.Namespace](t, folder, "Namespace") {
			if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
				t.Errorf("%s: %s takes any pod", folder, namespace.Name)
			}
		}
	}
}

// What a probe asks fits what follows: /livez says that the process answers, which alone a restart mends, and
// /readyz that it may be asked.
func TestProbesMeanWhatTheEndpointsDo(t *testing.T) {
	for _, folder := range overlays {
		for _, w := range ours(t, folder) {
			c, serves := w.pod.Spec.Containers[0], w.role() != "consumer"
			if w.kind == "Job" {
				if c.LivenessProbe != nil || c.ReadinessProbe != nil || w.pod.Spec.RestartPolicy == corev1.RestartPolicyAlways {
					t.Errorf("%s: %s would be stopped or run for ever", folder, w.name)
				}
				continue
			}
			port, scheme := "admin", corev1.URIScheme("")
			if serves {
				port = "http"
				if folder == production {
					scheme = corev1.URISchemeHTTPS
				}
			}
			for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
				want := corev1.HTTPGetAction{Path: "/livez", Port: c.LivenessProbe.HTTPGet.Port, Scheme: scheme}
				want.Port.StrVal = port
				switch name {
				case "startup":
					want.Port.StrVal, want.Scheme = "admin", ""
				case "readiness":
					want.Path = "/readyz"
				}
				if got := *probe.HTTPGet; got.Path != want.Path || got.Port.String() != want.Port.String() || got.Scheme != want.Scheme {
					t.Errorf("%s: %s's %s probe asks %+v, not %+v", folder, w.name, name, got, want)
				}
				if !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == probe.HTTPGet.Port.String() }) {
					t.Errorf("%s: %s has no port %s", folder, w.name, probe.HTTPGet.Port.String())
				}
			}
			if c.ReadinessProbe.TimeoutSeconds < 3 { // its checks take two
				t.Errorf("%s: %s is not waited for", folder, w.name)
			}
		}
	}
}

// The kubelet kills what has not stopped by then: draining and stopping are within it.
func TestPodsAreGivenTheTimeToStop(t *testing.T) {
	for _, folder := range overlays {
		for _, w := range ours(t, folder) {
			if w.kind == "Job" {
				continue
			}
			settings := environment(t, folder, w)
			var needs time.Duration
			for _, name := range []string{"DRAIN_DELAY", "SHUTDOWN_TIMEOUT"} {
				d, err := time.ParseDuration(settings[name])
				if err != nil {
					t.Fatalf("%s: %s: %v", folder, w.name, err)
				}
				needs += d
			}
			if given := w.pod.Spec.TerminationGracePeriodSeconds; given == nil || time.Duration(*given)*time.Second <= needs {
				t.Errorf("%s: %s stops within %s, and is killed before", folder, w.name, needs)
			}
		}
	}
}

// Each Deployment is spread, and one at a time of its pods is taken away for a node's sake.
func TestReplicasAreApart(t *testing.T) {
	budgets := of[policyv1.PodDisruptionBudget](t, production, "PodDisruptionBudget")
	for _, w := range ours(t, production) {
		if w.kind == "Job" {
			continue
		}
		covering := slices.DeleteFunc(slices.Clone(budgets), func(b policyv1.PodDisruptionBudget) bool { return !selects(t, b.Spec.Selector, w.pod.Labels) })
		if len(covering) != 1 || covering[0].Spec.MaxUnavailable.IntValue() != 1 {
			t.Errorf("%d budgets say how many pods of %s may go", len(covering), w.name)
		}
		var by []string
		for _, spread := range w.pod.Spec.TopologySpreadConstraints {
			by = append(by, spread.TopologyKey)
			if !selects(t, spread.LabelSelector, w.pod.Labels) || !slices.Contains(spread.MatchLabelKeys, "app.kubernetes.io/component") {
				t.Errorf("%s is spread among others", w.name)
			}
		}
		if !slices.Equal(by, []string{"kubernetes.io/hostname", "topology.kubernetes.io/zone"}) {
			t.Errorf("%s is spread by %v", w.name, by)
		}
	}
}

func selects(t *testing.T, s *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(of))
}

// scaledObject is as much of KEDA's as is of interest.
type scaledObject struct {
	Spec struct {
		ScaleTargetRef                   struct{ Name string }
		MinReplicaCount, MaxReplicaCount int
		Triggers                         []struct{ Metadata map[string]string }
	}
}

// Everything scales between two and what its database takes; who scales says how many there are, and nobody
// else.
func TestWhatScalesFitsItsDatabase(t *testing.T) {
	most := map[string]int{}
	for _, h := range of[autoscalingv2.HorizontalPodAutoscaler](t, production, "HorizontalPodAutoscaler") {
		most[h.Spec.ScaleTargetRef.Name] = int(h.Spec.MaxReplicas)
		if *h.Spec.MinReplicas < 2 {
			t.Errorf("%s may be one pod", h.Name)
		}
	}
	for _, s := range of[scaledObject](t, production, "ScaledObject") {
		name := s.Spec.ScaleTargetRef.Name
		most[name] = s.Spec.MaxReplicaCount
		if s.Spec.MinReplicaCount < 2 || s.Spec.Triggers[0].Metadata["consumerGroup"]+"-consumer" != name {
			t.Errorf("%s scales by another's lag, or may be one pod", name)
		}
	}
	connections := map[string]int{}
	for _, d := range of[appsv1.Deployment](t, production, "Deployment") {
		if d.Spec.Replicas != nil || most[d.Name] == 0 {
			t.Errorf("%s: each apply would undo its scaling, or nothing scales it", d.Name)
		}
		// One more each is there during a rollout.
		connections[strings.TrimSuffix(strings.TrimSuffix(d.Name, "-web"), "-consumer")] += (most[d.Name] + 1) * poolSize
	}
	for _, c := range of[struct {
		Metadata metav1.ObjectMeta
		Spec     struct {
			Postgresql struct{ Parameters map[string]string }
		}
	}](t, cloudNative, "Cluster") {
		var takes int
		if _, err := fmt.Sscan(c.Spec.Postgresql.Parameters["max_connections"], &takes); err != nil {
			t.Fatal(err)
		}
		if needs := connections[strings.TrimSuffix(c.Metadata.Name, "-db")]; needs == 0 || needs > takes {
			t.Errorf("%s takes %d connections, and is asked for %d", c.Metadata.Name, takes, needs)
		}
	}
}

// poolSize is pkg/pg's.
const poolSize = 24

// A new version's pods come first, and the former ones serve until those are ready.
func TestARolloutTakesNothingAway(t *testing.T) {
	for _, d := range of[appsv1.Deployment](t, production, "Deployment") {
		if r := d.Spec.Strategy.RollingUpdate; r == nil || r.MaxUnavailable.IntValue() != 0 || r.MaxSurge.IntValue() < 1 {
			t.Errorf("%s takes pods away before there are others", d.Name)
		}
	}
}
