// Package people is the Person aggregate: who uses the apps, who is blocked, and up to which amounts a
// manager may accept. It is pure: no I/O, no clock.
//
// Invariants, for any sequence of events whatsoever:
//   - An event counts only if its type's one writer wrote it.
//   - Nobody blocks or unblocks themselves, or changes their own limits.
//   - Who blocks somebody is not blocked: so the last admin never is.
//   - Who is blocked stays so until they are unblocked, whatever the apps see of them.
package people

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
)

// Seen is what an app has last said of somebody; zero if they have never been there.
type Seen struct {
	At       time.Time
	Roles    []string
	Sessions int64
}

// Block is who blocked somebody, when and why; zero for who is not blocked.
type Block struct {
	aggregate.Act
	Reason string
}

// Limit is up to which amount somebody may accept in a currency, and who has said so.
type Limit struct {
	aggregate.Act
	Amount money.Amount
	Reason string
}

// Person is somebody who uses the apps.
type Person struct {
	ID            string // as sessions and other events call them; "" of nobody
	Name, Address string
	ByContractors Seen // in contractor-ui
	ByManagers    Seen // in manager-ui
	Block         Block
	Limits        map[string]Limit  // by currency
	Changes       []aggregate.Entry // what admins have changed about them, in order
	UpdatedAt     time.Time
}

// Fold folds the events of a person's stream, in their order.
func Fold(entries []aggregate.Entry) (p Person) {
	for _, e := range entries {
		if body, err := events.Read(e.Event); err == nil && e.Source == events.Writer(e.Type) && p.apply(e, body) {
			p.ID, p.UpdatedAt = body.person(), e.Time
		}
	}
	return p
}

// apply reports whether the event has had an effect.
func (p *Person) apply(e aggregate.Entry, body Body) bool {
	// What somebody does about a person is another one's to do.
	others := e.Actor != "" && e.Actor != body.person()
	switch b := body.(type) {
	case SeenByContractorUI:
		p.ByContractors = p.see(e, b)
	case SeenByManagerUI:
		p.ByManagers = p.see(e, SeenByContractorUI(b))
	case Blocked:
		if !others || p.Block.Done() {
			return false
		}
		p.Block = Block{aggregate.ActOf(e), b.Reason}
		p.ByContractors.Sessions, p.ByManagers.Sessions = 0, 0
	case Unblocked:
		if !others || !p.Block.Done() {
			return false
		}
		p.Block = Block{}
	case LimitSet:
		if !others || p.Limits[b.Limit.Currency].Amount == b.Limit {
			return false
		}
		if p.Limits == nil {
			p.Limits = map[string]Limit{}
		}
		p.Limits[b.Limit.Currency] = Limit{aggregate.ActOf(e), b.Limit, b.Reason}
	case LimitRemoved:
		if _, there := p.Limits[b.Currency]; !others || !there {
			return false
		}
		delete(p.Limits, b.Currency)
	}
	if e.Type != TypeSeenByContractorUI && e.Type != TypeSeenByManagerUI {
		p.Changes = append(p.Changes, e)
	}
	return true
}

func (p *Person) see(e aggregate.Entry, b SeenByContractorUI) Seen {
	p.Name, p.Address = b.Name, b.Address
	if p.Block.Done() { // all have ended, though an app may have looked before
		b.Sessions = 0
	}
	return Seen{At: e.Time, Roles: b.Roles, Sessions: b.Sessions}
}

// Exists reports whether anything is known of the person.
func (p Person) Exists() bool { return p.ID != "" }

// LastSeen is when they were last seen, in whatever app.
func (p Person) LastSeen() time.Time {
	if p.ByContractors.At.After(p.ByManagers.At) {
		return p.ByContractors.At
	}
	return p.ByManagers.At
}

// Roles are those that they had in the one app or the other.
func (p Person) Roles() []string {
	roles := slices.Concat(p.ByContractors.Roles, p.ByManagers.Roles)
	slices.Sort(roles)
	return slices.Compact(roles)
}

// Code is why something cannot be done, for programs.
type Code string

// The codes.
const (
	Invalid Code = "invalid"  // the input; Field says which
	Unknown Code = "unknown"  // there is no such person
	Self    Code = "self"     // not one's own to do
	NotNow  Code = "not_now"  // it is so already
	Over    Code = "over"     // above the limit
	Barred  Code = "no_right" // who wants it is blocked
)

// Refusal is why something cannot be done, in words for whoever tried.
type Refusal struct {
	Code    Code
	Field   string
	Message string
}

func (r *Refusal) Error() string { return r.Message }

func refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Commands return the body of the event to write, or a *Refusal as the error. The actor is who commands it,
// as they are: the caller holds both streams, so that two who block each other do so one after the other.

// Blocking keeps the person out of both apps.
func (p Person) Blocking(actor Person, by event.Meta, reason string) (Body, error) {
	reason, err := p.changed(actor, by, "block", reason)
	if err == nil && p.Block.Done() {
		err = refuse(NotNow, "%s is blocked already, by %s.", p.Name, aggregate.NameOf(p.Block.By, p.Block.ByName))
	}
	return Blocked{PersonID: p.ID, Reason: reason}, err
}

// Unblocking lets the person in again.
func (p Person) Unblocking(actor Person, by event.Meta, reason string) (Body, error) {
	reason, err := p.changed(actor, by, "unblock", reason)
	if err == nil && !p.Block.Done() {
		err = refuse(NotNow, "%s is not blocked.", p.Name)
	}
	return Unblocked{PersonID: p.ID, Reason: reason}, err
}

// Limiting sets up to which amount the person may accept in its currency.
func (p Person) Limiting(actor Person, by event.Meta, limit money.Amount, reason string) (Body, error) {
	reason, err := p.changed(actor, by, "limit", reason)
	switch {
	case err != nil:
	case limit.Minor < 1 || limit.Minor > money.Max || !money.IsKnown(limit.Currency):
		most := money.Amount{Minor: money.Max, Currency: limit.Currency}
		err = &Refusal{Invalid, "limit", fmt.Sprintf("Enter a limit above zero, %s at most.", most)}
	case p.Limits[limit.Currency].Amount == limit:
		err = refuse(NotNow, "The limit of %s is %s already.", p.Name, limit)
	}
	return LimitSet{PersonID: p.ID, Limit: limit, Reason: reason}, err
}

// Unlimiting takes the limit in a currency away.
func (p Person) Unlimiting(actor Person, by event.Meta, currency, reason string) (Body, error) {
	reason, err := p.changed(actor, by, "limit", reason)
	if _, there := p.Limits[currency]; err == nil && !there {
		err = refuse(NotNow, "%s has no limit in %s.", p.Name, currency)
	}
	return LimitRemoved{PersonID: p.ID, Currency: currency, Reason: reason}, err
}

// changed returns the reason as it is kept, or what stands in the way of whoever wants to change something
// about the person.
func (p Person) changed(actor Person, by event.Meta, what, reason string) (string, error) {
	kept, wrong := text.Lines(reason)
	switch n := utf8.RuneCountInString(kept); {
	case !p.Exists():
		return "", refuse(Unknown, "There is no such person.")
	case by.Actor == "" || by.Actor == p.ID:
		return "", refuse(Self, "Nobody can %s themselves: ask another admin.", what)
	case actor.Block.Done():
		return "", refuse(Barred, "%s has blocked you: you cannot change anything.", aggregate.NameOf(actor.Block.By, actor.Block.ByName))
	case wrong != "":
		return "", &Refusal{Invalid, "reason", wrong.Message()}
	case n == 0:
		return "", &Refusal{Invalid, "reason", "Say why, for the record."}
	case n > MaxReason:
		return "", &Refusal{Invalid, "reason", fmt.Sprintf("Write 2,000 characters at most (these are %d).", n)}
	}
	return kept, nil
}

// ChangeText is what has been changed about somebody, as a phrase; write says how amounts are written.
func ChangeText(e aggregate.Entry, write func(money.Amount) string) string {
	body, _ := events.Read(e.Event)
	what, reason := "", ""
	switch b := body.(type) {
	case Blocked:
		what, reason = "blocked", b.Reason
	case Unblocked:
		what, reason = "unblocked", b.Reason
	case LimitSet:
		what, reason = "limit set to "+write(b.Limit), b.Reason
	case LimitRemoved:
		what, reason = "limit in "+b.Currency+" removed", b.Reason
	}
	return aggregate.Because(aggregate.By(what, aggregate.NameOf(e.Actor, e.ActorName)), reason)
}

// Limits are up to which amounts somebody may accept, in minor units by currency. Who has none may accept
// whatever comes; who has some may accept in no other currency.
type Limits map[string]int64

// Amounts are the limits by their currencies.
func (l Limits) Amounts() (amounts []money.Amount) {
	for _, currency := range slices.Sorted(maps.Keys(l)) {
		amounts = append(amounts, money.Amount{Minor: l[currency], Currency: currency})
	}
	return amounts
}

// Allow returns nil if a payment of this amount may be accepted. write says how amounts are written.
func (l Limits) Allow(amount money.Amount, write func(money.Amount) string) error {
	const ask = "Ask a manager whose limit allows it, or an admin to change yours."
	switch limit, there := l[amount.Currency]; {
	case len(l) == 0 || amount.Minor <= limit:
		return nil
	case there:
		return refuse(Over, "Your limit is %s; this is %s. %s", write(money.Amount{Minor: limit, Currency: amount.Currency}), write(amount), ask)
	}
	var limits []string
	for _, a := range l.Amounts() {
		limits = append(limits, write(a))
	}
	return refuse(Over, "You may not accept payments in %s: your limit is %s. %s", amount.Currency, strings.Join(limits, ", "), ask)
}

// Allowed are the limits alone.
func (p Person) Allowed() Limits {
	limits := Limits{}
	for currency, limit := range p.Limits {
		limits[currency] = limit.Amount.Minor
	}
	return limits
}
