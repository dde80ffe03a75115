// Package pages is the managers' pages: what waits, a payment, the decision about it, the money on hold,
// everybody's orders, the catalog and the customers.
//
// Invariants:
//   - A handler reads a form, gives a command to package payments or to ordering-core, and answers. It knows
//     no transaction, no lock and no journal.
//   - What pages show of a row, pushes show with the same template.
//   - Money is moved by payments-core only, and orders, products and customers are changed by ordering-core
//     only; this package asks them to, with an idempotency key that the form carries.
package pages

import (
	"embed"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/admission"
	"countersign.example/manager-ui/internal/breaking"
	"countersign.example/manager-ui/internal/core"
	"countersign.example/manager-ui/internal/csvimport"
	"countersign.example/manager-ui/internal/flow"
	"countersign.example/manager-ui/internal/history"
	"countersign.example/manager-ui/internal/payments"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/people"
	"countersign.example/pkg/api"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/signing"
	"countersign.example/pkg/web"
)

// Cookie is the session's; browsers share cookies among the ports of a host.
const Cookie = "manager_session"

// People are those whom the demo identity knows.
var People = []web.Person{
	{ID: "mia-weber", Name: "Mia Weber", Roles: managers}, {ID: "tom-berg", Name: "Tom Berg", Roles: managers},
	{ID: "omar-reyes", Name: "Omar Reyes", Roles: []rights.Role{rights.Operator}}, {ID: "iris-hahn", Name: "Iris Hahn", Roles: []rights.Role{rights.Auditor}},
	{ID: "lena-roth", Name: "Lena Roth", Roles: []rights.Role{rights.Admin}},
}

//go:embed templates
var templates embed.FS

// NewRenderer parses the pages, for the site and for the live pusher.
func NewRenderer(assets *web.Assets) (*web.Renderer, error) {
	return web.NewRenderer(templates, assets, nil, paymentsView, paymentView, evidenceView, rejectView, paymentRowFragment, totalsFragment, ordersView, orderRowFragment, orderView, expireView,
		catalogView, productView, productRowFragment, customersView, customerView, customerRowFragment, archiveView, uploadView, previewView,
		peopleView, personView, personRowFragment, securityView, eventsView, eventView, streamsView, flowView, topicsView, topicView, messagesView, messageView, lettersView, letterView, letterTaskView, letterTasksView, operationsView, operationView,
		numbersView, numberChart,
		caseView, streamView)
}

// Options make the site, which adds to web.Options what is its own. All are needed, but for Hub.
type Options struct {
	web.Options
	DB        *pg.DB
	Histories *readmodel.Histories
	Events    *history.Reader
	Payments  *payments.Service
	Admission *admission.Service
	StepUp    people.Limits    // above which amounts whoever decides is asked again who they are; none for never
	Ordering  *api.Client      // ordering-core
	Core      *core.Client     // payments-core
	Letters   []LettersOf      // the services whose dead letters are shown
	Flow      *flow.Watch      // over all services
	Kafka     *kafka.Client    // to look into topics; nothing is consumed by it
	Breaks    *breaking.Client // nil where nothing can be broken on purpose
	Keys      *signing.Keys
	Hub       *live.Hub // nil: pages are not live
	Now       func() time.Time
}

type handlers struct {
	site      *web.Site
	db        *pg.DB
	histories *readmodel.Histories
	events    *history.Reader
	payments  *payments.Service
	admission *admission.Service
	ordering  *api.Client
	core      *core.Client
	letters   []LettersOf
	flow      *flow.Watch
	kafka     *kafka.Client
	breaks    *breaking.Client
	uploads   *csvimport.Uploads
	sessions  *web.Sessions
	stepUp    people.Limits
	keys      *signing.Keys
	hub       *live.Hub
	log       *slog.Logger
	now       func() time.Time
	looks     looks
}

// New returns the site with all its routes.
func New(o Options) (*web.Site, error) {
	o.Label, o.Home = "Manager", "/payments"
	o.Nav = []web.NavItem{
		{Key: "payments", Label: "Payments", Href: o.Home}, {Key: "orders", Label: "Orders", Href: ordersPath},
		{Key: "catalog", Label: "Catalog", Href: catalogPath}, {Key: "customers", Label: "Customers", Href: customersPath}, {Key: "people", Label: "People", Href: peoplePath, Right: may.people},
		{Key: "numbers", Label: "Numbers", Href: numbersPath, Right: may.numbers},
		{Key: "history", Label: "History", Parts: []web.NavItem{{Key: "events", Label: "Events", Href: historyPath, Right: may.history}, {Key: "streams", Label: "Streams", Href: streamsPath, Right: may.history}}},
		{Key: "operations", Label: "Operations", Parts: []web.NavItem{
			{Key: "flow", Label: "Flow", Href: flowPath, Right: may.flow},
			{Key: "topics", Label: "Topics", Href: topicsPath, Right: may.topics},
			{Key: "letters", Label: "Dead letters", Href: lettersPath, Right: may.inspect},
			{Key: "gateway", Label: "Gateway", Href: operationsPath, Right: may.operations},
		}},
		{Key: "security", Label: "Security", Href: securityPath, Right: may.audit},
	}
	for _, path := range []string{catalogPath, customersPath} {
		o.Large = append(o.Large, web.Large{Route: path + "/import", Limit: maxUploadForm},
			web.Large{Route: path + "/import/:id", Within: web.LongRequestTimeout})
	}
	for _, route := range []string{paymentsPath + "/export", ordersPath + "/export", catalogPath + "/export/list", customersPath + "/export/list"} {
		o.Large = append(o.Large, web.Large{Route: route, Within: web.ExportTimeout})
	}
	site, err := web.New(o.Options)
	if err != nil {
		return nil, err
	}
	h := &handlers{
		site: site, db: o.DB, histories: o.Histories, events: o.Events, payments: o.Payments, admission: o.Admission, ordering: o.Ordering, core: o.Core, letters: o.Letters, flow: o.Flow, kafka: o.Kafka, breaks: o.Breaks,
		uploads: csvimport.NewUploads(o.DB), sessions: o.Sessions, stepUp: o.StepUp, keys: o.Keys, hub: o.Hub, log: o.Log, now: o.Now,
	}
	h.register(site)
	return site, nil
}

// paymentID is the path's id, in its one canonical spelling.
func paymentID(c echo.Context) (string, error) {
	if !api.IsID(c.Param("id")) {
		return "", errNoPayment
	}
	return c.Param("id"), nil
}

// paymentForm is the path's id, and the form that was sent to it.
func paymentForm(c echo.Context) (id string, form *web.Form, err error) {
	if id, err = paymentID(c); err == nil {
		form, err = web.ReadForm(c)
	}
	return id, form, err
}

const paymentsPath = "/payments"

func paymentPath(id string) string { return paymentsPath + "/" + id }

// paymentsLink leads to the payments as somebody left them.
func paymentsLink(c echo.Context) web.Link { return web.BackLink(c, "Payments", paymentsPath) }

var errNoPayment = web.NotFound("There is no such payment.")
