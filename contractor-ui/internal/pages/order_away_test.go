package pages_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What ordering-core can do wrong, and what the page says.
var misbehaviours = map[string]struct {
	instead http.HandlerFunc
	says    string
}{
	"a 500": {func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}, "It is not known whether this was saved"},
	"rubbish": {func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>It works!</html>")
	}, "It is not known whether this was saved"},
	"another order's answer": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"order_id":"another","sequence":1}`)
	}, "It is not known whether this was saved"},
	"nothing": {func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}, "It is not known whether this was saved"},
	"a denial": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"detail":"this token is not known"}`)
	}, "Not saved: orders cannot be changed at the moment. Nothing was changed"},
	"a refusal": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"detail":"this product is no longer <offered>","code":"archived"}`)
	}, "his product is no longer &lt;offered&gt;."},
}

func TestOrderingCoreMisbehaves(t *testing.T) {
	// given a draft, and one that is submitted
	d := newTestSite(t)
	drill, hofmann := d.core.product("", "DR-18", "Drill", 10000, false), d.core.customer("Hofmann")
	ada := d.as("ada-nowak")
	submitted := ada.submitted(d.core)
	address, page := ada.begin()
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}})
	before := d.written()
	for name, c := range misbehaviours {
		t.Run(name, func(t *testing.T) {
			d.core.instead = c.instead
			status := http.StatusServiceUnavailable
			if name == "a refusal" {
				status = http.StatusConflict
			}
			// when something is added, then the page says what is known, and keeps what was typed
			refused := ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"7"}})
			ada.wants(refused, status, "", c.says, `value="7"`, `value="`+drill+`" selected`, "100.00")
			// and so with everything else
			ada.wants(ada.press(page, address+"/customer", "", url.Values{"customer_id": {hofmann}}), status, "", c.says, `value="`+hofmann+`" selected`)
			ada.wants(ada.press(page, address+"/items/"+drill+"/add", "", url.Values{"quantity": {"1"}}), status, "", c.says)
			ada.wants(ada.press(page, address+"/submit", "", nil), status, "", c.says)
			cancel := ada.get(submitted + "/cancel")
			ada.wants(ada.press(cancel, submitted+"/cancel", "", url.Values{"reason": {"Kept text"}}), status, "", c.says, "Kept text")
			fresh, blank := ada.begin()
			ada.wants(ada.press(blank, fresh+"/items", "", url.Values{"product_id": {drill}, "quantity": {"7"}}), status, "", c.says, `value="7"`)
			// and everything can be read
			for _, path := range []string{"/orders", address, submitted, "/orders/products?q=dri", "/"} {
				ada.wants(ada.get(path), http.StatusOK, "")
			}
		})
	}
	if d.written() != before {
		t.Error("something was written")
	}
	if log := d.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "this token is not known") {
		t.Errorf("nobody is told of the denial: %s", log)
	}

	// when the form that was not answered is sent again, with its key, then it is done once
	d.core.instead = misbehaviours["a 500"].instead
	refused := ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"7"}})
	d.core.instead = nil
	for range 2 {
		ada.wants(ada.press(refused, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"7"}}), http.StatusOK, address, "800.00")
	}
}

func TestAnOrderThatSomebodyElseHasBegun(t *testing.T) {
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 10000, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	d.core.instead = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"detail":"There is no such order."}`)
	}
	ada.wants(ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"7"}}), http.StatusNotFound, "")
}

func TestOrderingCoreIsSlow(t *testing.T) {
	t.Parallel() // it waits
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 10000, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	d.core.instead = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the caller has gone
		<-r.Context().Done()
	}
	ada.wants(ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"7"}}), http.StatusServiceUnavailable, "",
		"It is not known whether this was saved", `value="7"`)
}

func TestAFormThatChangesAfterItWasSent(t *testing.T) {
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 10000, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	page = ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"1"}})
	d.core.instead = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"detail":"This Idempotency-Key was used for another request."}`)
	}
	refused := ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"2"}})
	ada.wants(refused, http.StatusUnprocessableEntity, "", "this form was sent before", `value="2"`)
	d.core.instead = nil
	ada.wants(ada.press(refused, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"2"}}), http.StatusOK, address, "300.00")
}

func TestOrderingCoreIsDown(t *testing.T) {
	d := newTestSite(t)
	drill := d.core.product("", "DR-18", "Drill", 10000, false)
	ada := d.as("ada-nowak")
	address, page := ada.begin()
	d.core.server.Close()
	ada.wants(ada.press(page, address+"/items", "", url.Values{"product_id": {drill}, "quantity": {"7"}}), http.StatusServiceUnavailable, "",
		"Nothing was changed", `value="7"`, `value="`+drill+`" selected`)
	ada.wants(ada.get("/orders"), http.StatusOK, "")
}
