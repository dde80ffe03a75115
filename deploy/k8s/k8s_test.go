// Package k8s holds what runs Countersign on Kubernetes; its tests hold it to Kubernetes' schemas, to what
// the services really read, and to the arrows of docs/architecture.md, without needing a cluster.
package k8s

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	root        = "../.."
	development = "overlays/development"
	production  = "overlays/production"
	strimzi     = "examples/strimzi"
	cloudNative = "examples/cloudnative-pg"
)

var overlays = []string{development, production}

// withoutSchema are kinds of operators. Their schemas are not here: tests do not see what is misspelt in
// them.
var withoutSchema = []string{"Kafka", "KafkaNodePool", "KafkaUser", "Cluster", "ScaledObject", "TriggerAuthentication", "ServiceMonitor"}

var built sync.Map // by folder

// build is what `kubectl kustomize` makes of a folder.
func build(t *testing.T, folder string) resmap.ResMap {
	t.Helper()
	once, _ := built.LoadOrStore(folder, sync.OnceValues(func() (resmap.ResMap, error) {
		return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	}))
	resources, err := once.(func() (resmap.ResMap, error))()
	if err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	return resources
}

// of returns the objects of a kind.
func of[T any](t *testing.T, folder, kind string) (found []T) {
	t.Helper()
	for _, r := range build(t, folder).Resources() {
		if r.GetKind() != kind {
			continue
		}
		text, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var object T
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatalf("%s: %v", r.CurId(), err)
		}
		found = append(found, object)
	}
	return found
}

// judge returns what Kubernetes' schemas say against manifests.
func judge(t *testing.T, manifests []byte) (wrong []string) {
	t.Helper()
	skipped := map[string]struct{}{}
	for _, kind := range withoutSchema {
		skipped[kind] = struct{}{}
	}
	v, err := validator.New([]string{schemas(t) + "/{{ .ResourceKind }}{{ .KindSuffix }}.json"}, validator.Opts{Strict: true, SkipKinds: skipped})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range v.Validate("manifests", io.NopCloser(bytes.NewReader(manifests))) {
		if result.Status == validator.Invalid || result.Status == validator.Error {
			wrong = append(wrong, string(result.Resource.Bytes)+"\n"+result.Err.Error())
		}
	}
	return wrong
}

func asYAML(t *testing.T, folder string) []byte {
	t.Helper()
	text, err := build(t, folder).AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestManifestsAreWhatKubernetesKnows(t *testing.T) {
	for _, folder := range []string{development, production, strimzi, cloudNative} {
		for _, wrong := range judge(t, asYAML(t, folder)) {
			t.Errorf("%s: %s", folder, wrong)
		}
	}
}

// A check that finds nothing would pass as well: what is misspelt, of another type, or of no kind is found.
func TestWhatIsMisspeltIsFound(t *testing.T) {
	manifests := asYAML(t, production)
	for right, wrong := range map[string]string{
		"readOnlyRootFilesystem: true": "readOnlyRootFileSystem: true",
		"maxUnavailable: 0":            "maxUnavailable: [0]",
		"kind: PodDisruptionBudget":    "kind: PodDisruptionBudgets",
	} {
		if !bytes.Contains(manifests, []byte(right)) {
			t.Errorf("there is no %q", right)
		}
		if len(judge(t, bytes.Replace(manifests, []byte(right), []byte(wrong), 1))) != 1 {
			t.Errorf("%q is not found", wrong)
		}
	}
}

// Every kind without a schema is one of an operator, and is there.
func TestWhatIsNotCheckedIsListed(t *testing.T) {
	unused := slices.Clone(withoutSchema)
	for _, folder := range []string{development, production, strimzi, cloudNative} {
		for _, r := range build(t, folder).Resources() {
			if !slices.Contains(withoutSchema, r.GetKind()) {
				continue
			}
			unused = slices.DeleteFunc(unused, func(kind string) bool { return kind == r.GetKind() })
			if group := r.GetGvk().Group; !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") {
				t.Errorf("%s is one of Kubernetes' own kinds, and is not checked", r.CurId())
			}
		}
	}
	if len(unused) > 0 {
		t.Errorf("nothing is a %s", unused)
	}
}

// workload is a Deployment or a Job.
type workload struct {
	kind, name, namespace string
	replicas              int
	pod                   corev1.PodTemplateSpec
}

// service is whose workload it is, and role as what it runs: "web", "consumer", "all" or "migrate".
func (w workload) service() string { return w.pod.Labels["app.kubernetes.io/name"] }

func (w workload) role() string {
	if args := w.pod.Spec.Containers[0].Args; len(args) > 0 {
		return args[0]
	}
	return "all"
}

// ours are the workloads of our own programs.
func ours(t *testing.T, folder string) (found []workload) {
	t.Helper()
	for _, w := range workloads(t, folder) {
		if w.namespace == "countersign" {
			found = append(found, w)
		}
	}
	if len(found) < 12 {
		t.Fatalf("%s has %d workloads of ours alone", folder, len(found))
	}
	return found
}
