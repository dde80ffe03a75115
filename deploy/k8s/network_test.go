package k8s

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// end is where something begins or leads to: a pod, or an address outside of the cluster.
type end struct {
	namespace string
	labels    map[string]string
	address   netip.Addr     // of what is no pod
	ports     map[string]int // by name
}

// around are the ends that are none of ours, by the names of docs/architecture.md. Nothing of ours reaches
// the last two, nor they us.
func around() map[string]end {
	ends := map[string]end{
		"proxy":            {namespace: "ingress-nginx"},
		"monitoring":       {namespace: "monitoring"},
		"DNS":              {namespace: "kube-system", labels: map[string]string{"k8s-app": "kube-dns"}, ports: map[string]int{"": 53}},
		"Kafka":            {namespace: "kafka", labels: map[string]string{"strimzi.io/cluster": "countersign"}, ports: map[string]int{"": 9093, "between brokers": 9091}},
		"collector":        {namespace: "tracing", labels: map[string]string{"app.kubernetes.io/name": "opentelemetry-collector"}, ports: map[string]int{"": 4318, "by gRPC": 4317}},
		"Redis":            {namespace: "redis", labels: map[string]string{"app.kubernetes.io/name": "redis"}, ports: map[string]int{"": 6379}},
		"sign-in provider": {address: netip.MustParseAddr("192.0.2.1"), ports: map[string]int{"": 443}},
		"gateway":          {address: netip.MustParseAddr("198.51.100.1"), ports: map[string]int{"": 443}},
		"the internet":     {address: netip.MustParseAddr("203.0.113.1"), ports: map[string]int{"": 443}},
		"another namespace": {namespace: "other", labels: map[string]string{"app.kubernetes.io/name": "manager-ui", "app.kubernetes.io/component": "web"},
			ports: map[string]int{"": 443}},
	}
	for _, s := range append(slices.Clone(services), "sandbox-gateway") {
		ends["PostgreSQL of "+s] = end{namespace: "databases", labels: map[string]string{"database.countersign.example/" + s: "yes"},
			ports: map[string]int{"": 5432, "of the operator": 8000}}
	}
	return ends
}

// arrows reads docs/architecture.md's table "Who reaches whom", as "from > to:port".
func arrows(t *testing.T) (found []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, there := strings.Cut(string(text), "\n## Who reaches whom\n")
	if !there {
		t.Fatal("docs/architecture.md does not say who reaches whom")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.Contains(line, "`") {
			continue
		}
		for from := range strings.SplitSeq(cells[0], ",") {
			for to := range strings.SplitSeq(cells[1], ",") {
				found = append(found, strings.Trim(from, " `")+" > "+strings.Trim(to, " `")+":"+strings.TrimSpace(cells[2]))
			}
		}
	}
	return found
}

// allowed are the arrows that an overlay's NetworkPolicies let through, between all ends that there are.
func allowed(t *testing.T, folder string) (through []string, ends map[string]end) {
	t.Helper()
	policies := of[networkingv1.NetworkPolicy](t, folder, "NetworkPolicy")
	ends = around()
	ours := ours(t, folder)
	for _, w := range ours {
		ports := map[string]int{}
		for _, p := range w.pod.Spec.Containers[0].Ports {
			ports[p.Name] = int(p.ContainerPort)
		}
		ends[w.service()+" "+w.role()] = end{namespace: w.namespace, labels: w.pod.Labels, ports: ports}
	}
	for from, a := range ends {
		for to, b := range ends {
			if a.namespace != "countersign" && b.namespace != "countersign" || from == to {
				continue
			}
			for _, port := range b.ports {
				if passes(t, policies, a, b, port, networkingv1.PolicyTypeEgress) && passes(t, policies, b, a, port, networkingv1.PolicyTypeIngress) {
					through = append(through, fmt.Sprintf("%s > %s:%d", from, to, port))
				}
			}
		}
	}
	return through, ends
}

// passes reports whether the policies of a pod let it reach its peer (egress), or its peer reach it.
func passes(t *testing.T, policies []networkingv1.NetworkPolicy, pod, peer end, port int, direction networkingv1.PolicyType) bool {
	t.Helper()
	if pod.namespace != "countersign" {
		return true // which others look after
	}
	for _, p := range policies {
		if p.Namespace != pod.namespace || !slices.Contains(p.Spec.PolicyTypes, direction) || !selects(t, &p.Spec.PodSelector, pod.labels) {
			continue
		}
		if direction == networkingv1.PolicyTypeEgress {
			for _, rule := range p.Spec.Egress {
				if opens(rule.Ports, port, peer) && slices.ContainsFunc(rule.To, func(to networkingv1.NetworkPolicyPeer) bool { return is(t, to, peer) }) {
					return true
				}
			}
		}
		for _, rule := range p.Spec.Ingress {
			if direction == networkingv1.PolicyTypeIngress && opens(rule.Ports, port, pod) && slices.ContainsFunc(rule.From, func(from networkingv1.NetworkPolicyPeer) bool { return is(t, from, peer) }) {
				return true
			}
		}
	}
	return false
}

// opens reports whether a rule is about a port of an end. One without ports would be about all.
func opens(ports []networkingv1.NetworkPolicyPort, port int, of end) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port == nil || p.Port.IntValue() == port || p.Port.StrVal != "" && of.ports[p.Port.StrVal] == port
	})
}

// is reports whether a rule's peer is an end.
func is(t *testing.T, peer networkingv1.NetworkPolicyPeer, e end) bool {
	t.Helper()
	if peer.IPBlock != nil {
		return e.address.IsValid() && netip.MustParsePrefix(peer.IPBlock.CIDR).Contains(e.address)
	}
	namespaces := peer.NamespaceSelector
	if namespaces == nil {
		namespaces = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "countersign"}}
	}
	pods := peer.PodSelector
	if pods == nil {
		pods = &metav1.LabelSelector{}
	}
	return !e.address.IsValid() && selects(t, namespaces, map[string]string{"kubernetes.io/metadata.name": e.namespace}) && selects(t, pods, e.labels)
}

func TestPoliciesAreTheArrows(t *testing.T) {
	want := arrows(t)
	if len(want) < 30 {
		t.Fatalf("only %d arrows were found", len(want))
	}
	unknown := slices.Clone(want)
	for _, folder := range overlays {
		through, ends := allowed(t, folder)
		if folder == development { // which signs in nobody, and has its own gateway
			delete(ends, "sign-in provider")
			delete(ends, "gateway")
		}
		for _, arrow := range want {
			from, to, _ := strings.Cut(arrow, " > ")
			to, _, _ = strings.Cut(to, ":")
			_, one := ends[from]
			if _, other := ends[to]; !one || !other {
				continue
			}
			unknown = slices.DeleteFunc(unknown, func(a string) bool { return a == arrow })
			if !slices.Contains(through, arrow) {
				t.Errorf("%s: %s is an arrow, and no policy lets it through", folder, arrow)
			}
		}
		for _, arrow := range through {
			if !slices.Contains(want, arrow) {
				t.Errorf("%s: %s is let through, and is no arrow", folder, arrow)
			}
		}
	}
	if len(unknown) > 0 {
		t.Errorf("of these arrows an end is nowhere: %q", unknown)
	}
}

// A policy more, and a policy less, are seen.
func TestPoliciesAreCompared(t *testing.T) {
	policies := of[networkingv1.NetworkPolicy](t, production, "NetworkPolicy")
	ends := around()
	app := end{namespace: "countersign", labels: map[string]string{"app.kubernetes.io/name": "contractor-ui", "app.kubernetes.io/component": "web"}}
	egress := networkingv1.PolicyTypeEgress
	if passes(t, policies, app, ends["the internet"], 443, egress) || passes(t, policies, app, ends["PostgreSQL of manager-ui"], 5432, egress) {
		t.Error("contractor-ui reaches the internet, or another's database")
	}
	if !passes(t, policies, app, ends["PostgreSQL of contractor-ui"], 5432, egress) {
		t.Error("contractor-ui does not reach its database")
	}
	open := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "countersign"}, Spec: networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{egress}, Egress: []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0"}}}}},
	}}
	if !passes(t, append(policies, open), app, ends["the internet"], 443, egress) {
		t.Error("a policy that opens everything is not seen")
	}
}

// Nobody is left out: each pod of ours is one that denies what is not allowed.
func TestEverythingIsDeniedFirst(t *testing.T) {
	for _, folder := range overlays {
		for _, p := range of[networkingv1.NetworkPolicy](t, folder, "NetworkPolicy") {
			if s := p.Spec.PodSelector; p.Namespace == "countersign" && len(s.MatchLabels)+len(s.MatchExpressions) == 0 && len(p.Spec.Ingress)+len(p.Spec.Egress) == 0 && len(p.Spec.PolicyTypes) == 2 {
				return
			}
		}
		t.Errorf("%s has no policy that denies", folder)
	}
}

// Services lead to pods that are there, at ports that they have.
func TestServicesLeadSomewhere(t *testing.T) {
	for _, folder := range overlays {
		for _, s := range of[corev1.Service](t, folder, "Service") {
			leads := false
			for _, w := range workloads(t, folder) {
				if w.namespace != s.Namespace || !selects(t, &metav1.LabelSelector{MatchLabels: s.Spec.Selector}, w.pod.Labels) {
					continue
				}
				for _, p := range w.pod.Spec.Containers[0].Ports {
					leads = leads || p.Name == s.Spec.Ports[0].TargetPort.StrVal || p.ContainerPort == s.Spec.Ports[0].Port
				}
			}
			if !leads {
				t.Errorf("%s: the Service %s leads nowhere (%v)", folder, s.Name, maps.Keys(s.Spec.Selector))
			}
		}
	}
}
