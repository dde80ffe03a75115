// Package web is how our two web apps (and, for its errors and limits, the core's API) speak HTTP: echo set
// up safely, typed pages from embedded templates, embedded assets, sessions, the person of a request, forms
// and keyset pages.
//
// Invariants:
//   - A view, a fragment or the built assets that are missing stop the start, not a request.
//   - A page and a live push render a row with the very same template.
//   - Every page works without JavaScript, and under a Content-Security-Policy without 'unsafe-inline': no
//     inline script, no style attribute, no inline event handler.
//   - An error becomes an answer in one place. Only an [Error]'s Message is shown to people.
//
// # How to write a page
//
// Declare it once, with the type of its data, and give it to the renderer:
//
//	var paymentsView = web.NewView[paymentsPage]("payments") // templates/views/payments.html
//	var paymentRow   = web.NewFragment[row]("payment-row")   // {{define "payment-row"}} in templates/partials/*.html
//
//	//go:embed templates
//	var templates embed.FS
//
//	assets, err := web.BuiltAssets() // web.TestAssets() in tests
//	renderer, err := web.NewRenderer(templates, assets, nil, paymentsView, paymentRow)
//	site, err := web.New(web.Options{
//		Label: "Manager", Renderer: renderer, Assets: assets, Sessions: sessions, Identity: identity, Log: log,
//		Nav: []web.NavItem{{Key: "payments", Label: "Payments", Href: "/payments"}},
//		LiveCursor: hub.Cursor, Away: rt.Health.Away, Metrics: rt.Metrics,
//	})
//	site.GET("/payments", look, h.list) // look is a rights.Right
//	rt.Serve(site)                      // rt is a service.Runtime
//
// The pusher renders the same row with paymentRow.HTML(renderer, row).
//
// views/payments.html defines "content"; its dot is the declared type:
//
//	{{define "content"}}
//	{{template "page-head" (pageHead "Payments" "3 wait for a decision")}}
//	<div class="card">
//	  <div class="list-head">{{template "tabs" .Tabs}}{{template "search" .Search}}</div>
//	  <table class="table list"><thead>...</thead>
//	    <tbody data-live-list="payments" ...>{{range .Rows}}{{template "payment-row" .}}{{end}}</tbody></table>
//	  {{if not .Rows}}{{template "empty" .Empty}}{{end}}
//	  {{template "pager" .Pager}}
//	</div>
//	{{end}}
//
// A handler:
//
//	func (h *handlers) list(c echo.Context) error {
//		...
//		return paymentsView.Render(c, 200, web.Page{Title: "Payments", Nav: "payments"}, data)
//	}
//
// Errors are returned: web.NotFound("There is no such payment."). After a form that worked: web.Flash(c,
// web.Good, "Accepted.") and web.Redirect(c, "/payments") (303). After one that did not: Render the form
// again with web.Form and http.StatusUnprocessableEntity. A form with a file goes through web.ReadUpload, on
// a route that Options.Large names.
//
// # What templates can use
//
// What only some may use stands between <only-for decide> and </only-for>, and what the others see in its
// place between <not-for decide> and </not-for>, where "decide" is the name of a right that a route needs.
// One cannot stand in another. Live updates obey them too.
//
// Partials: page-head, tabs, search, pager, empty, field, submit, status, money, time, moment, deadline,
// person, reference and here are made of {{template "name" value}} where value is [PageHead], a [Tabs],
// [Search], [Pager], [Empty], [Field], [Button], [Badge], fmt.Stringer ("1,250.00 EUR"), time.Time (thrice),
// [Person], and a text (twice): what people call something by, with a button that copies it, and where a
// page is.
// Functions: pageHead (title subtitle), badge (tone text), person (name), button (label), relative, exact,
// toTheMinute, iso, initials, asset.
//
// CSS classes: "list" (with td data-label="Amount" for the cards in a narrow window; td classes what,
// amount, actions), "list-head", "list-foot", "form-card" (a card with a form), "facts" (dl), "history" (ol;
// li.no-effect, .step-when), "count", "copy-id", "text-muted", and Tabler's.
package web
