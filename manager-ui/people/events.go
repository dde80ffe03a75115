package people

import (
	"embed"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// Topic is the Kafka topic of the people; the key is the person's ID.
const Topic = "people"

// Partitions of the topic. The order of a key depends on it: it does not change in place.
const Partitions = 3

// ID is what a person's events are about. What a person is called by otherwise need be no UUID.
func ID(personID string) string { return uuid.NewSHA1(namespace, []byte(personID)).String() }

var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://countersign.example/people"))

// Stream is the journal's stream of a person, by their ID.
func Stream(id string) string { return "person-" + id }

// The event types.
const (
	TypeSeenByContractorUI = "person_seen_by_contractor_ui"
	TypeSeenByManagerUI    = "person_seen_by_manager_ui"
	TypeBlocked            = "person_blocked"
	TypeUnblocked          = "person_unblocked"
	TypeLimitSet           = "person_limit_set"
	TypeLimitRemoved       = "person_limit_removed"
)

// The services that write about people, by their ce_source.
const (
	sourceContractors = "/contractor-ui"
	sourceManagers    = "/manager-ui"
)

// MaxReason is the longest reason, MaxName the longest name, address or id, and maxRoles how many roles
// somebody has, whose names have maxRole characters.
const (
	MaxReason = 2000
	MaxName   = 200
	maxRoles  = 20
	maxRole   = 60
	// maxSessions bounds what is said of the number of sessions.
	maxSessions = 1_000_000
)

// Body is the data of one type of event. Who caused it, and when, is in the envelope.
type Body interface {
	aggregate.Body
	person() string
}

// SeenByContractorUI: the person uses that app; this is what it knows of them.
type SeenByContractorUI struct {
	PersonID string   `json:"person_id"`
	Name     string   `json:"name"`
	Address  string   `json:"address,omitempty"` // of e-mail
	Roles    []string `json:"roles"`
	Sessions int64    `json:"sessions"` // open ones there
}

// SeenByManagerUI is the same of the managers' app.
type SeenByManagerUI SeenByContractorUI

// Blocked: the person may use neither app.
type Blocked struct {
	PersonID string `json:"person_id"`
	Reason   string `json:"reason"`
}

// Unblocked: they may again.
type Unblocked Blocked

// LimitSet: the person may accept payments in this currency up to this amount, and in no currency for which
// there is no limit.
type LimitSet struct {
	PersonID string       `json:"person_id"`
	Limit    money.Amount `json:"limit"` // 1 to money.Max minor units
	Reason   string       `json:"reason"`
}

// LimitRemoved: there is no limit in this currency any more. Who has none in any may accept whatever comes.
type LimitRemoved struct {
	PersonID string `json:"person_id"`
	Currency string `json:"currency"`
	Reason   string `json:"reason"`
}

// EventType is the name of the event that carries this body.
func (SeenByContractorUI) EventType() string { return TypeSeenByContractorUI }
func (SeenByManagerUI) EventType() string    { return TypeSeenByManagerUI }
func (Blocked) EventType() string            { return TypeBlocked }
func (Unblocked) EventType() string          { return TypeUnblocked }
func (LimitSet) EventType() string           { return TypeLimitSet }
func (LimitRemoved) EventType() string       { return TypeLimitRemoved }

func (b SeenByContractorUI) person() string { return b.PersonID }
func (b SeenByManagerUI) person() string    { return b.PersonID }
func (b Blocked) person() string            { return b.PersonID }
func (b Unblocked) person() string          { return b.PersonID }
func (b LimitSet) person() string           { return b.PersonID }
func (b LimitRemoved) person() string       { return b.PersonID }

//go:embed schemas/*.json
var schemas embed.FS

var currencies = regexp.MustCompile(`^[A-Z]{3}$`)

var events = &aggregate.Events[Body]{
	Topic: Topic, Partitions: Partitions, Prefixes: []string{Stream("")}, Schemas: schemas,
	Stream: func(e event.Event) string { return Stream(e.Subject) },
	About:  func(b Body) string { return ID(b.person()) },
	Types: []aggregate.Type[Body]{
		{Name: TypeSeenByContractorUI, Writer: sourceContractors, Read: func(o *schema.Object) Body { return seen(o) }},
		{Name: TypeSeenByManagerUI, Writer: sourceManagers, Read: func(o *schema.Object) Body { return SeenByManagerUI(seen(o)) }},
		{Name: TypeBlocked, Writer: sourceManagers, Read: func(o *schema.Object) Body { return blocked(o) }},
		{Name: TypeUnblocked, Writer: sourceManagers, Read: func(o *schema.Object) Body { return Unblocked(blocked(o)) }},
		{Name: TypeLimitSet, Writer: sourceManagers, Read: func(o *schema.Object) Body {
			return LimitSet{PersonID: o.Text("person_id", MaxName), Limit: o.Amount("limit"), Reason: o.Text("reason", MaxReason)}
		}},
		{Name: TypeLimitRemoved, Writer: sourceManagers, Read: func(o *schema.Object) Body {
			return LimitRemoved{PersonID: o.Text("person_id", MaxName), Currency: o.Matching("currency", currencies, "EUR"), Reason: o.Text("reason", MaxReason)}
		}},
	},
}

func seen(o *schema.Object) SeenByContractorUI {
	return SeenByContractorUI{
		PersonID: o.Text("person_id", MaxName), Name: o.Text("name", MaxName), Address: o.OptionalText("address", MaxName),
		Roles: o.Texts("roles", maxRoles, maxRole), Sessions: o.Integer("sessions", 0, maxSessions),
	}
}

func blocked(o *schema.Object) Blocked {
	return Blocked{PersonID: o.Text("person_id", MaxName), Reason: o.Text("reason", MaxReason)}
}

// Events is the topic of all people.
var Events = events.InTopic()

// Types returns every event type of a person.
func Types() []schema.Type { return events.Described() }

// Decode reads the data of an event of type typ, as strictly as its JSON Schema.
func Decode(typ string, data []byte) (Body, error) { return events.Decode(typ, data) }

// New returns an event about the person of a body. The caller sets its Time and Meta.
func New(source string, b Body) event.Event { return aggregate.New(source, ID(b.person()), b) }

// SeenBy is the body by which an app, by its source, says what it knows of somebody; false for what is no app
// with people.
func SeenBy(source string, s SeenByContractorUI) (Body, bool) {
	s.Name, s.Address = clip(s.Name), clip(s.Address)
	s.Sessions = min(s.Sessions, maxSessions)
	s.Roles = append([]string{}, s.Roles[:min(len(s.Roles), maxRoles)]...) // never null
	slices.Sort(s.Roles)
	switch source {
	case sourceContractors:
		return s, true
	case sourceManagers:
		return SeenByManagerUI(s), true
	}
	return nil, false
}

func clip(s string) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), MaxName)])
}
