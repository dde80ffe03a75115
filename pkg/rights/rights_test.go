package rights_test

import (
	"strings"
	"testing"

	"countersign.example/pkg/rights"
)

var (
	decide = rights.Right{Name: "decide", To: "decide on payments", Roles: []rights.Role{rights.Manager}}
	look   = rights.Right{Name: "look", To: "look at payments", Roles: []rights.Role{rights.Manager, rights.Auditor}}
)

func TestARightIsForItsRoles(t *testing.T) {
	for role, want := range map[rights.Role]rights.Held{rights.Manager: "decide look", rights.Auditor: "look", rights.Admin: "", "root": ""} {
		if held := rights.HeldBy([]rights.Role{role}, []rights.Right{look, decide, look}); held != want {
			t.Errorf("%s has %q, not %q", role, held, want)
		}
	}
	if !look.Has([]rights.Role{rights.Admin, rights.Auditor}) || look.Has(nil) {
		t.Error("one of a person's roles is enough, and none is not")
	}
	if said, want := look.Refusal(), "You may not look at payments. That is for managers and auditors: ask one of them"; !strings.HasPrefix(said, want) {
		t.Errorf("it says %s", said)
	}
}

func TestARightThatNobodyCouldHaveIsRefused(t *testing.T) {
	for _, r := range []rights.Right{{}, {Name: "a b", To: "x", Roles: rights.Roles}, {Name: "a", Roles: rights.Roles}, {Name: "a", To: "x"}, {Name: "a", To: "x", Roles: []rights.Role{"root"}}} {
		if r.Check() == nil {
			t.Errorf("%+v is taken", r)
		}
	}
	if err := decide.Check(); err != nil {
		t.Error(err)
	}
}

func TestAReaderGetsWhatIsForThem(t *testing.T) {
	const page = "<td>1<only-for decide>\n<button>Accept</button></only-for><not-for decide>You may look.</not-for></td><only-for look>2</only-for>"
	for held, want := range map[rights.Held]string{
		"decide look": "<td>1\n<button>Accept</button></td>2", "look": "<td>1You may look.</td>2", "": "<td>1You may look.</td>", "deci": "<td>1You may look.</td>",
	} {
		if got := held.Write(page); got != want {
			t.Errorf("who may %q gets %q, not %q", held, got, want)
		}
	}
}

func TestRolesAreKeptAsAText(t *testing.T) {
	roles := []rights.Role{rights.Auditor, rights.Manager}
	if got := rights.Split(rights.Join(roles) + ",root,"); rights.Words(got) != "auditor and manager" {
		t.Errorf("they are %v", got)
	}
	if rights.Split("") != nil || rights.Words(rights.Roles) != "contractor, manager, operator, auditor and admin" {
		t.Error("none are none, and all are all")
	}
}
