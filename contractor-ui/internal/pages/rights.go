package pages

import "countersign.example/pkg/rights"

// may is the table of rights: who may do what here. It is about a contractor's own payments and orders; of
// anybody else's there are none. Each route names a right of it.
var may = struct{ look, export, ask, build rights.Right }{
	look:   rights.Right{Name: "look", To: "look at payments and orders of your own", Roles: Roles},
	export: rights.Right{Name: "export", To: "take lists of your own out as files", Roles: Roles},
	ask:    rights.Right{Name: "ask", To: "ask for payments", Roles: Roles},
	build:  rights.Right{Name: "build", To: "build, submit or cancel orders", Roles: Roles},
}

// Roles are those for whom the app is.
var Roles = []rights.Role{rights.Contractor}
