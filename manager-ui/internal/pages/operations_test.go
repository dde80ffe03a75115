package pages_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// gatewayCore is a payments-core that answers for what is open at the gateway.
func gatewayCore(t *testing.T, asked *[]string) string {
	const stuck = `{"id":7,"payment_id":"0193f3a0-0000-7000-8000-000000000001","kind":"refund","state":"open","key":"0193f3a0-0000-7000-8000-000000000001:refund:1",` +
		`"amount":{"amount":1018,"currency":"EUR"},"by_name":"Tom Berg","opened_at":"2026-11-23T12:00:00Z","attempts":2,` +
		`"last_error":"the account is <b>closed</b>","stuck_at":"2026-11-23T12:01:00Z","final":false}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Actor-Id")+r.Header.Get("Actor-Role")+" "+string(body))
		answer := func(status int, text string) {
			w.Header().Set("Content-Type", "application/json")
			if status >= 400 {
				w.Header().Set("Content-Type", "application/problem+json")
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
		key := strings.Split(strings.TrimPrefix(r.URL.Path, "/operations/"), "/")[0]
		switch {
		case r.URL.Path == "/operations" && r.URL.Query().Get("part") == "unknown":
			answer(200, `{"operations":[],"more":false}`)
		case r.URL.Path == "/operations":
			answer(200, `{"operations":[`+stuck+`],"more":true}`)
		case r.Method == http.MethodGet && strings.HasSuffix(key, ":refund:1"):
			answer(200, `{"key":"`+key+`","operations":[`+strings.NewReplacer(`"refund"`, `"capture"`, ":refund:", ":capture:", `"open"`, `"succeeded"`).Replace(stuck)+`,`+stuck+`],"next_call":null}`)
		case strings.HasSuffix(r.URL.Path, "/retry"):
			answer(200, `{"key":"`+key+`","asked_as":"again:refund:2"}`)
		case strings.HasSuffix(r.URL.Path, "/settle"):
			var sent struct{ Outcome string }
			_ = json.Unmarshal(body, &sent)
			if sent.Outcome == "failed" {
				answer(409, `{"type":"about:blank","title":"Conflict","status":409,"code":"impossible","detail":"a refund cannot be settled as failed: the money has to go back"}`)
				return
			}
			answer(200, `{"key":"`+key+`"}`)
		default:
			answer(404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such operation."}`)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnOperatorRetriesAndSettlesWhatIsStuck(t *testing.T) {
	var asked []string
	o := open(t, gatewayCore(t, &asked))
	operator := o.manager("omar-reyes")
	const one = "/operations/0193f3a0-0000-7000-8000-000000000001:refund:1"
	operator.get("/operations").is(http.StatusOK, "Refund", "Stuck", "the account is &lt;b&gt;closed&lt;/b&gt;", one, "after=7").without("<b>closed")
	operator.get("/operations?tab=unknown").is(http.StatusOK, "Nothing here")
	operator.get(one).is(http.StatusOK, "Capture", "Done", "Refund", "Stuck since", "Not by itself", "Tom Berg", "asked 2 times", "Ask again", "Settle")
	key := uuid.NewString()
	operator.post(one+"/retry", "key", key).is(http.StatusUnprocessableEntity, "Say why: it stays on record.")
	operator.post(one+"/settle", "key", key, "because", "I know").is(http.StatusUnprocessableEntity, "Say how it came out.")
	operator.post(one+"/settle", "key", key, "because", "I know", "outcome", "failed").is(http.StatusConflict, "A refund cannot be settled as failed", "I know")
	operator.post(one+"/retry", "key", "none", "why", "x").is(http.StatusBadRequest)
	operator.post(one+"/retry", "key", key, "why", "the bank has opened the account").is(http.StatusOK, "The gateway is asked again, as again:refund:2.")
	operator.post(one+"/settle", "key", key, "because", "paid back by hand", "outcome", "succeeded").is(http.StatusOK, "It is settled")
	operator.get("/operations/x").is(http.StatusNotFound, "There is no such operation")
	operator.get("/operations?tab=odd").is(http.StatusNotFound)
	operator.get("/operations?after=odd").is(http.StatusNotFound)
	all := strings.Join(asked, "\n")
	for _, want := range []string{`GET /operations omar-reyes`, `"id":"omar-reyes"`, `"why":"the bank has opened the account"`, `"outcome":"succeeded"`} {
		if !strings.Contains(all, want) {
			t.Errorf("payments-core was not asked with %s:\n%s", want, all)
		}
	}
	// who may only look, or not even that
	auditor := o.manager("iris-hahn")
	auditor.get(one).is(http.StatusOK, "Operators retry or settle it").without(">Ask again<", ">Settle<")
	auditor.post(one+"/retry", "key", key, "why", "x").is(http.StatusForbidden, "You may not retry or settle what is open at the gateway")
	o.manager("mia-weber").get(one).is(http.StatusForbidden, "You may not look at what is open at the gateway")
	if last := asked[len(asked)-1]; !strings.Contains(last, "GET "+one+" iris-hahnauditor") {
		t.Errorf("the last look was %s", last)
	}
	// and it is in the security log
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended)
	auditor.get("/security?tab=acts").is(http.StatusOK, "Retried or settled an operation", "action=settle", "why=paid back by hand", "omar-reyes")
}

func TestOperationsSayThatPaymentsCoreIsAway(t *testing.T) {
	o := open(t, nowhere)
	operator := o.manager("omar-reyes")
	operator.get("/operations").is(http.StatusOK, "payments-core does not answer")
	operator.get("/operations/a:refund:1").is(http.StatusServiceUnavailable)
	operator.post("/operations/a:refund:1/retry", "key", uuid.NewString(), "why", "x").is(http.StatusServiceUnavailable)
}
