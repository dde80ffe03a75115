package pages

import (
	"countersign.example/pkg/rights"
	"countersign.example/pkg/vitals"
)

// may is the table of rights: who may do what here. Each route names a right of it, and templates show what
// leads to the route to those alone who have that.
var may = struct {
	look, export, decide, hold, end, discount, keep, people, admit, audit rights.Right
	inspect, mend, operations, settle                                     rights.Right
	history, reveal                                                       rights.Right
	flow, breaks, topics                                                  rights.Right
	numbers                                                               rights.Right
}{
	look:     rights.Right{Name: "look", To: "look at payments, orders, products and customers", Roles: Roles},
	export:   rights.Right{Name: "export", To: "take lists or evidence out as files", Roles: []rights.Role{rights.Manager, rights.Operator, rights.Auditor}},
	decide:   rights.Right{Name: "decide", To: "accept or reject payments", Roles: managers},
	hold:     rights.Right{Name: "hold", To: "capture or release money on hold", Roles: movers},
	end:      rights.Right{Name: "end", To: "cancel or expire orders", Roles: movers},
	discount: rights.Right{Name: "discount", To: "give discounts", Roles: managers},
	keep:     rights.Right{Name: "keep", To: "change products or customers", Roles: managers},
	people:   rights.Right{Name: "people", To: "look at who uses the apps", Roles: []rights.Role{rights.Admin, rights.Auditor}},
	admit:    rights.Right{Name: "admit", To: "block people or set their limits", Roles: []rights.Role{rights.Admin}},
	flow:     vitals.Look,
	breaks:   rights.Right{Name: "break", To: "break a part, where everything runs on one machine", Roles: []rights.Role{rights.Operator}},
	inspect:  rights.Right{Name: "inspect", To: "look at dead letters", Roles: []rights.Role{rights.Operator, rights.Auditor}},
	mend:     rights.Right{Name: "mend", To: "replay or discard dead letters", Roles: []rights.Role{rights.Operator}},

	operations: rights.Right{Name: "operations", To: "look at what is open at the gateway", Roles: []rights.Role{rights.Operator, rights.Auditor}},
	settle:     rights.Right{Name: "settle", To: "retry or settle what is open at the gateway", Roles: []rights.Role{rights.Operator}},

	history: rights.Right{Name: "history", To: "look at events and streams", Roles: []rights.Role{rights.Operator, rights.Auditor}},
	topics:  rights.Right{Name: "topics", To: "look into the topics of Kafka", Roles: []rights.Role{rights.Operator, rights.Auditor}},
	reveal:  rights.Right{Name: "reveal", To: "see personal fields of events", Roles: []rights.Role{rights.Auditor}},
	numbers: rights.Right{Name: "numbers", To: "look at numbers", Roles: []rights.Role{rights.Manager, rights.Operator, rights.Auditor}},

	audit: rights.Right{Name: "audit", To: "read the security log", Roles: []rights.Role{rights.Auditor, rights.Admin}},
}

// Roles are those for whom the app is.
var Roles = []rights.Role{rights.Manager, rights.Operator, rights.Auditor, rights.Admin}

var (
	managers = []rights.Role{rights.Manager}
	movers   = []rights.Role{rights.Manager, rights.Operator}
)
