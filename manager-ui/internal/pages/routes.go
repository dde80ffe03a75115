package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// register adds the routes.
func (h *handlers) register(s *web.Site) {
	s.GET("/", may.look, func(c echo.Context) error { return c.Redirect(http.StatusFound, "/payments") })
	s.GET("/payments", may.look, h.listPayments)
	s.GET("/payments/export", may.export, h.exportPayments)
	s.RegisterViews(paymentsPath+"/views", may.look, func(c echo.Context) (web.List, error) {
		q, err := readPaymentQuery(c)
		return q.List, err
	}, h.listPayments)
	s.GET("/payments/:id", may.look, h.showPayment)
	s.GET("/payments/:id/evidence", may.look, h.showEvidence)
	s.GET("/payments/:id/evidence.json", may.export, h.downloadEvidence)
	s.POST("/payments/:id/accept", may.decide, h.acceptPayment)
	s.POST("/payments/:id/undo", may.decide, h.undoAcceptance)
	s.GET("/payments/:id/reject", may.decide, h.confirmReject)
	s.POST("/payments/:id/reject", may.decide, h.rejectPayment)
	s.POST("/payments/:id/capture", may.hold, h.capturePayment)
	s.POST("/payments/:id/release", may.hold, h.releasePayment)
	// Where a browser without scripts is after such a form was answered with a page: what it asks for when
	// someone follows the address again.
	for _, form := range []string{"accept", "undo", "capture", "release"} {
		s.GET("/payments/:id/"+form, may.look, h.backToPayment)
	}
	h.registerOrders(s)
	h.registerPeople(s)
	s.GET(flowPath, may.flow, h.showFlow)
	s.POST(flowPath+"/breaks/:name", may.breaks, h.breakPart)
	s.GET(flowPath+"/breaks/:name", may.flow, backToFlow)
	h.registerTopics(s)
	h.registerLetters(s)
	h.registerOperations(s)
	h.registerHistory(s)
	s.GET(numbersPath, may.numbers, h.showNumbers)
	s.GET(numbersPath+"/export", may.export, h.exportNumbers)
	s.GET(securityPath, may.audit, h.showSecurityLog)
	h.productPages().register(s)
	h.customerPages().register(s)
	if h.hub != nil {
		s.GET("/live", may.look, h.site.Socket(h.hub, func(web.Person) string { return audience }))
	}
}

func (h *handlers) backToPayment(c echo.Context) error {
	id, err := paymentID(c)
	if err != nil {
		return err
	}
	return web.Redirect(c, paymentPath(id))
}

// registerOrders adds the pages of the orders.
func (h *handlers) registerOrders(s *web.Site) {
	s.GET(ordersPath, may.look, h.listOrders)
	s.GET(ordersPath+"/export", may.export, h.exportOrders)
	s.RegisterViews(ordersPath+"/views", may.look, func(c echo.Context) (web.List, error) {
		q, err := readOrderQuery(c)
		return q.List, err
	}, h.listOrders)
	s.GET(ordersPath+"/customers", may.look, h.customersToFilterBy)
	s.GET(ordersPath+"/:id", may.look, h.showOrder)
	s.GET(ordersPath+"/:id/expire", may.end, h.confirmExpire)
	s.POST(ordersPath+"/:id/expire", may.end, h.expireOrder)
	s.POST(ordersPath+"/:id/cancel", may.end, h.cancelOrder)
	s.POST(ordersPath+"/:id/discount", may.discount, h.setDiscount)
	s.POST(ordersPath+"/:id/discount/reset", may.discount, h.resetDiscount)
	for _, form := range []string{"cancel", "discount", "discount/reset"} {
		s.GET(ordersPath+"/:id/"+form, may.look, backToOrder)
	}
}

// registerPeople adds the pages of who uses the apps.
func (h *handlers) registerPeople(s *web.Site) {
	s.GET(peoplePath, may.people, h.listPeople)
	s.GET(peoplePath+"/:id", may.people, h.showPerson)
	for form, command := range map[string]echo.HandlerFunc{"/block": h.blockPerson, "/unblock": h.unblockPerson, "/limit": h.limitPerson} {
		s.POST(peoplePath+"/:id"+form, may.admit, command)
		s.GET(peoplePath+"/:id"+form, may.people, backToPerson)
	}
}

// registerTopics adds the pages of what Kafka holds.
func (h *handlers) registerTopics(s *web.Site) {
	s.GET(topicsPath, may.topics, h.listTopics)
	s.GET(topicsPath+"/:topic", may.topics, h.showTopic)
	s.GET(topicsPath+"/:topic/:partition", may.topics, h.showMessages)
	s.GET(topicsPath+"/:topic/:partition/:offset", may.topics, h.showMessage)
	s.GET(topicsPath+"/:topic/:partition/:offset/data", may.topics, h.downloadMessage)
}

// registerLetters adds the pages of the dead letters of all services.
func (h *handlers) registerLetters(s *web.Site) {
	s.GET(lettersPath, may.inspect, h.listLetters)
	s.GET(lettersPath+"/tasks", may.inspect, h.listLetterTasks)
	s.GET(lettersPath+"/of/:service/:id", may.inspect, h.showLetter)
	s.GET(lettersPath+"/of/:service/:id/payload", may.inspect, h.downloadPayload)
	s.POST(lettersPath+"/of/:service/tasks", may.mend, h.askLetterTask)
	s.GET(lettersPath+"/of/:service/tasks", may.inspect, backToLetters)
	s.GET(lettersPath+"/of/:service/tasks/:id", may.inspect, h.showLetterTask)
	s.POST(lettersPath+"/of/:service/tasks/:id/stop", may.mend, h.stopLetterTask)
	s.GET(lettersPath+"/of/:service/tasks/:id/stop", may.inspect, backToLetters)
}

// registerOperations adds the pages of what is open at the gateway.
func (h *handlers) registerOperations(s *web.Site) {
	s.GET(operationsPath, may.operations, h.listOperations)
	s.GET(operationsPath+"/:id", may.operations, h.showOperation)
	s.POST(operationsPath+"/:id/retry", may.settle, h.retryOperation)
	s.POST(operationsPath+"/:id/settle", may.settle, h.settleOperation)
	for _, form := range []string{"/retry", "/settle"} {
		s.GET(operationsPath+"/:id"+form, may.operations, backToOperation)
	}
}

// registerHistory adds the pages of all that is on record.
func (h *handlers) registerHistory(s *web.Site) {
	s.GET(historyPath, may.history, h.listEvents)
	s.RegisterViews(historyPath+"/views", may.history, func(c echo.Context) (web.List, error) {
		q, err := readEventQuery(c)
		return q.List, err
	}, h.listEvents)
	s.GET(streamsPath, may.history, h.listStreams)
	s.GET(eventsPath+"/:position", may.history, h.showEvent)
	s.GET(eventsPath+"/:position/data", may.history, h.downloadEvent)
	s.GET(streamsPath+"/:stream", may.history, h.showStream)
	s.GET(casesPath+"/:kind/:id", may.history, h.showCase)
}

func backToLetters(c echo.Context) error { return web.Redirect(c, lettersPath) }
