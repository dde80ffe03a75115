package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

func TestAskingForAPayment(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	ada.wants(ada.get("/"), http.StatusOK, "/", "Request new payment", "No payments yet")

	id := ada.ask("1250.00", "Kitchen fitting")

	ada.wants(ada.get("/"), http.StatusOK, "/", "Kitchen fitting", "1,250.00", "Waiting", "/payments/"+id, `id="payment-`+id+`"`)
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "Ada Nowak asked for 1,250.00 EUR", "being confirmed", "Withdraw",
		`data-live-subject="payment-`+id+`"`)
	d.confirms(id)
	if page := ada.get("/payments/" + id); strings.Contains(page.text, "being confirmed") {
		t.Error("still being confirmed")
	}
}

func TestSendingTheFormTwiceMakesOnePayment(t *testing.T) {
	// given a form
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	values := ada.form("/payments/new", "20.00", "EUR", "Tape")
	id := values.Get("payment_id")

	// when it is sent several times at once, and once more later
	var sending sync.WaitGroup
	for range 4 {
		sending.Go(func() {
			response, err := ada.client.PostForm(d.server.URL+"/payments", values)
			if err != nil || response.StatusCode != http.StatusOK {
				t.Errorf("%v %v", response, err)
				return
			}
			response.Body.Close()
		})
	}
	sending.Wait()
	ada.wants(ada.post("/payments", values), http.StatusOK, "/payments/"+id)

	// then there is one event; and other contents are another payment, once, and it is said that there is the
	// first
	if n := d.written(); n != 1 {
		t.Errorf("%d events", n)
	}
	values.Set("amount", "30.00")
	other := ada.post("/payments", values)
	ada.wants(other, http.StatusOK, "", "You asked for 30.00 EUR", "before, with the same form", "/payments/"+id)
	if strings.HasSuffix(other.path, id) {
		t.Error("it is the payment there is")
	}
	ada.wants(ada.post("/payments", values), http.StatusOK, other.path)
	if n := d.written(); n != 2 {
		t.Errorf("%d events", n)
	}

	// and whatever is sent after it, each of the contents is one payment
	values.Set("amount", "20.00")
	ada.wants(ada.post("/payments", values), http.StatusOK, "/payments/"+id)
	values.Set("amount", " 30,00 ")
	values.Set("description", "Tape ")
	values.Del("capture")
	ada.wants(ada.post("/payments", values), http.StatusOK, other.path)
	if n := d.written(); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestTheFormKeepsItsPaymentWhenReloaded(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	response, err := ada.client.Get(d.server.URL + "/payments/new")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	at := response.Request.URL.RequestURI()
	if first, second := ada.form(at, "", "", ""), ada.form(at, "", "", ""); first.Get("payment_id") != second.Get("payment_id") {
		t.Error("a reload makes another payment")
	}
	ada.wants(ada.get("/payments/new?id=1"), http.StatusNotFound, "")
}

func TestBadInput(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	for name, c := range map[string]struct{ field, value, message, currency string }{
		"empty amount":        {"amount", "", "Enter an amount", "EUR"},
		"zero":                {"amount", "0.00", "above zero", "EUR"},
		"negative":            {"amount", "-5", "without a minus sign", "EUR"},
		"three decimals":      {"amount", "1234.567", "2 decimals at most", "EUR"},
		"two readings":        {"amount", "1.234", "in two ways", "EUR"},
		"yen with decimals":   {"amount", "1.5", "JPY has no decimals", "JPY"},
		"dinar with four":     {"amount", "1.2345", "3 decimals at most", "KWD"},
		"over the limit":      {"amount", "1000000000.00", "999,999,999.99 EUR at most", "EUR"},
		"far over the limit":  {"amount", strings.Repeat("9", 400), "at most", "EUR"},
		"exponent":            {"amount", "1e9", "in digits", "EUR"},
		"mixed separators":    {"amount", "1.23,4.5", "point before the decimals", "EUR"},
		"another currency":    {"amount", "€ 12", "EUR", "USD"},
		"NUL in the amount":   {"amount", "1\x00", "not text", "EUR"},
		"emoji":               {"amount", "💶", "in digits", "EUR"},
		"not UTF-8":           {"amount", "\xff1", "not text", "EUR"},
		"unknown currency":    {"currency", "XYZ", "Choose a currency", "XYZ"},
		"no description":      {"description", "  ", "what the payment is for", "EUR"},
		"nothing to be seen":  {"description", "\u200b\u2800\u202e\u3164", "what the payment is for", "EUR"},
		"turned text":         {"description", "42 \u202eevil", "turn the direction of the text", "EUR"},
		"line separator":      {"description", "one\u2028two", "unusual line breaks", "EUR"},
		"long description":    {"description", strings.Repeat("ö", 2001), "2,000 characters at most", "EUR"},
		"NUL in description":  {"description", "a\x00b", "not text", "EUR"},
		"unknown capture":     {"capture", "never", "one of the two ways", "EUR"},
		"a lost number":       {"payment_id", "", "lost its number", "EUR"},
		"a number in capital": {"payment_id", strings.ToUpper(uuid.NewString()), "lost its number", "EUR"},
	} {
		t.Run(name, func(t *testing.T) {
			values := ada.form("/payments/new", "10.00", c.currency, "Kept text")
			if c.currency != "EUR" {
				values.Set("amount", "10")
			}
			values.Set(c.field, c.value)
			page := ada.post("/payments", values)
			ada.wants(page, http.StatusUnprocessableEntity, "/payments", c.message)
			if c.field != "description" && !strings.Contains(page.text, "Kept text") {
				t.Error("what was typed is lost")
			}
			if c.field != "payment_id" && !strings.Contains(page.text, `id="`+c.field+`-error"`) {
				t.Errorf("the message is not beside %s", c.field)
			}
		})
	}
	huge := url.Values{"amount": {"1"}, "currency": {"EUR"}, "description": {strings.Repeat("x", 10<<20)}}
	ada.wants(ada.post("/payments", huge), http.StatusRequestEntityTooLarge, "")
	if n := d.written(); n != 0 {
		t.Errorf("%d events written", n)
	}
	for _, path := range []string{"/payments/1", "/payments/" + strings.ToUpper(uuid.NewString()), "/payments/%00", "/?tab=everything",
		"/payments/" + uuid.NewString(), "/payments/new?supersedes=x"} {
		ada.wants(ada.get(path), http.StatusNotFound, "")
	}
	ada.wants(ada.post("/payments/x/withdraw", nil), http.StatusNotFound, "")
	for _, path := range []string{"/?older=x", "/?older=" + strings.Repeat("A", 600), "/?newer=e30x"} {
		ada.wants(ada.get(path), http.StatusBadRequest, "")
	}
	ada.wants(ada.get("/?q="+url.QueryEscape("\x00 ' & | <b> \\ 🧤 \xff")), http.StatusOK, "", "Nothing found")
}

func TestAnAmountWithTwoReadingsIsAskedBack(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	values := ada.form("/payments/new", "1.234", "EUR", "Kept text")
	values.Set("capture", "manual")
	const readings = `name="pick-amount" value="1234.00">1,234.00 EUR</button><button class="btn" type="submit" name="pick-amount" value="1.23">1.23 EUR</button>`
	ada.wants(ada.post("/payments", values), http.StatusUnprocessableEntity, "/payments", "1.234 can be read in two ways", readings, `value="1.234"`)

	// a press fills it in, and sends nothing
	values.Set("pick-amount", "1234.00")
	page := ada.post("/payments", values)
	ada.wants(page, http.StatusUnprocessableEntity, "/payments", `value="1234.00"`, "Kept text", `<option value="manual" selected>`, "Nothing has been sent yet",
		values.Get("payment_id"))
	if n := d.written(); n != 0 || strings.Contains(page.text, "pick-amount") {
		t.Fatalf("%d events written, and %s", n, page.text)
	}
	values.Del("pick-amount")
	values.Set("amount", "1234.00")
	ada.wants(ada.post("/payments", values), http.StatusOK, "/payments/"+values.Get("payment_id"), "You asked for 1,234.00 EUR")

	for _, typed := range []string{"1,234.56", "1.234,56", "1\u202f234,56 €", "EUR 1'234.56", "１２３４.５６"} {
		values := ada.form("/payments/new", typed, "EUR", "Same")
		ada.wants(ada.post("/payments", values), http.StatusOK, "/payments/"+values.Get("payment_id"), "You asked for 1,234.56 EUR")
	}
}

func TestLongestTextsAreFine(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	text := strings.Repeat("Ö", 2000)
	id := ada.ask("999999999.99", text)
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", text)
	if page := ada.get("/"); strings.Count(page.text, "Ö") > 700 {
		t.Error("the row shows all of it")
	}
}

func TestAnotherContractorsPaymentDoesNotExist(t *testing.T) {
	// given Ada's payment, rejected
	d := newTestSite(t)
	ada, jon := d.as("ada-nowak"), d.as("jon-park")
	waiting, rejected := ada.ask("10.00", "Secret"), ada.ask("11.00", "Secret too")
	d.confirms(rejected)
	d.does(rejected, mia, payment.Rejected{Reason: "no"})
	before := d.written()

	// when Jon tries every route
	for _, path := range []string{"/payments/" + waiting, "/payments/new?supersedes=" + rejected} {
		jon.wants(jon.get(path), http.StatusNotFound, "")
	}
	jon.wants(jon.post("/payments/"+waiting+"/withdraw", url.Values{}), http.StatusNotFound, "")
	again := jon.form("/payments/new", "1.00", "EUR", "Mine")
	again.Set("supersedes", rejected)
	jon.wants(jon.post("/payments", again), http.StatusNotFound, "")
	taken := jon.form("/payments/new", "10.00", "EUR", "Secret")
	taken.Set("payment_id", waiting)
	jon.wants(jon.post("/payments", taken), http.StatusNotFound, "")

	// then nothing was written, and no list, search or fragment of his has it
	if d.written() != before {
		t.Error("something was written")
	}
	for _, path := range []string{"/", "/?q=Secret", "/?q=" + waiting} {
		if page := jon.get(path); strings.Contains(page.text, "10.00") || strings.Contains(page.text, "Secret</") {
			t.Errorf("%s shows another's payment", path)
		}
	}
	rows, err := d.live.Rows(t.Context(), []string{payment.Stream(waiting)})
	if err != nil || len(rows) != 1 || rows[0].Audience != "contractor:ada-nowak" {
		t.Errorf("pushed to %v, %v", rows, err)
	}
}

func TestWithdrawing(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("10.00", "Tiles")
	d.confirms(id)

	// when it is withdrawn, twice
	ada.wants(ada.post("/payments/"+id+"/withdraw", url.Values{}), http.StatusOK, "/payments/"+id, "Withdrawn.", "Ada Nowak withdrew it")
	ada.wants(ada.post("/payments/"+id+"/withdraw", url.Values{}), http.StatusOK, "/payments/"+id)
	if n := len(d.stream(id).Records); n != 2 {
		t.Errorf("%d events", n)
	}
	// and asking again waits for the log
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "once this is confirmed", `<noscript> <a href="/payments/`+id+`">Reload</a></noscript>`)
	ada.wants(ada.get("/payments/new?supersedes="+id), http.StatusOK, "/payments/"+id, "still being confirmed")
	d.confirms(id)
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "Ask again")
}

func TestWithdrawingTooLate(t *testing.T) {
	// given a payment that Mia has accepted
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("10.00", "Tiles")
	d.confirms(id)
	d.does(id, mia, payment.Accepted{})
	// when Ada presses Withdraw on a page from before, then she is told
	ada.wants(ada.post("/payments/"+id+"/withdraw", url.Values{}), http.StatusOK, "/payments/"+id,
		"Not withdrawn: Mia Weber had already accepted it.")
	if n := len(d.stream(id).Records); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestAWithdrawalThatTheLogRefusesIsExplained(t *testing.T) {
	// given a withdrawal on its way
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("10.00", "Tiles")
	d.confirms(id)
	ada.wants(ada.post("/payments/"+id+"/withdraw", url.Values{}), http.StatusOK, "", "Withdrawn")
	// when the log has an acceptance before it
	d.does(id, mia, payment.Accepted{Note: "thanks"})
	d.confirms(id)
	// then the page says who was first
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "Mia Weber accepted it: “thanks”",
		"Not withdrawn: Mia Weber had already accepted it", "(no effect)")
	ada.wants(ada.get("/?tab=accepted"), http.StatusOK, "", "Tiles", "Mia Weber")
}

func TestAskingAgain(t *testing.T) {
	// given a rejected payment
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("96.00", "Site lamps")
	d.confirms(id)
	d.does(id, mia, payment.Rejected{Reason: "No invoice"})
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "No invoice", "Ask again")

	// when it is asked for again, from two forms, the first one sent twice
	page := ada.get("/payments/new?supersedes=" + id)
	ada.wants(page, http.StatusOK, "/payments/new", "96.00", "Site lamps")
	first := ada.form("/payments/new?supersedes="+id, "96.00", "EUR", "Site lamps, with invoice")
	second := ada.form("/payments/new?supersedes="+id, "96.00", "EUR", "Site lamps")
	for range 2 {
		ada.wants(ada.post("/payments", first), http.StatusOK, "/payments/"+first.Get("payment_id"), "asked again for 96.00 EUR", "/payments/"+id)
	}
	told := ada.post("/payments", second)

	// then there is one, and the second form is told about it
	ada.wants(told, http.StatusOK, "/payments/"+id, "asked for again already", "/payments/"+first.Get("payment_id"))
	ada.wants(ada.get("/payments/"+second.Get("payment_id")), http.StatusNotFound, "")
	if strings.Contains(told.text, ">Ask again<") {
		t.Error("it can be asked for again once more")
	}
	// and what waits, or was never there, cannot be asked for again
	waiting := ada.ask("1.00", "Nails")
	ada.wants(ada.get("/payments/new?supersedes="+waiting), http.StatusOK, "/payments/"+waiting, "Not asked again")
	ada.wants(ada.get("/payments/new?supersedes="+uuid.NewString()), http.StatusNotFound, "")
	third := ada.form("/payments/new", "1.00", "EUR", "Nails")
	third.Set("supersedes", waiting)
	ada.wants(ada.post("/payments", third), http.StatusOK, "/payments/"+waiting, "Not asked again: it is waiting for a decision.")
}

func TestAskingAgainAfterTheLastDecline(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("96.00", "Site lamps")
	d.confirms(id)
	d.does(id, mia, payment.Accepted{})
	d.does(id, event.Meta{}, payment.Declined{Code: "closed", Reason: "the account is closed", Final: true})
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "the account is closed", "Declined", "Ask again")
	ada.wants(ada.get("/"), http.StatusOK, "", "Accepted", "Declined")
}

func TestMoneyThatWentBackLeavesNothingGreen(t *testing.T) {
	// given a payment on hold
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("96.00", "Site lamps")
	d.confirms(id)
	d.does(id, mia, payment.Accepted{})
	d.does(id, event.Meta{}, payment.Authorized{GatewayReference: "g"})
	ada.wants(ada.get("/"), http.StatusOK, "", `tone-good">Accepted<`, `tone-info">On hold<`)
	// when the hold is released, then what was decided is said plainly, that it failed, and why
	d.does(id, event.Meta{}, payment.Released{Reason: "the hold lapsed"})
	for _, path := range []string{"/", "/payments/" + id} {
		ada.wants(ada.get(path), http.StatusOK, "", `tone-neutral">Accepted<`, `tone-warning">Not paid out`, "old released")
	}
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "96.00 EUR was released because the hold lapsed")
	// and it can be asked for again, once
	again := ada.form("/payments/new?supersedes="+id, "96.00", "EUR", "Site lamps")
	ada.wants(ada.post("/payments", again), http.StatusOK, "/payments/"+again.Get("payment_id"), "asked again for 96.00 EUR")
	ada.wants(ada.get("/payments/new?supersedes="+id), http.StatusOK, "/payments/"+id, "asked for again already")
}

func TestWhatIsStuckAtTheGatewayIsSaid(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("96.00", "Site lamps")
	d.confirms(id)
	d.does(id, mia, payment.Accepted{})
	d.does(id, event.Meta{}, payment.Authorized{GatewayReference: "g"})
	// when the gateway does not let go of the hold, then the row and the page say so
	d.does(id, event.Meta{}, payment.Stuck{Operation: payment.Release, Reason: "the bank keeps it"})
	for _, path := range []string{"/", "/payments/" + id} {
		ada.wants(ada.get(path), http.StatusOK, "", `tone-warning">On hold`, "he release is stuck at the gateway")
	}
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", "The release of the hold of 96.00 EUR is stuck at the gateway: the bank keeps it")
	// and when it has gone after all, then nothing is stuck any more
	d.does(id, event.Meta{}, payment.Released{Reason: "settled by hand: the bank called"})
	without(t, ada.get("/"), "stuck")
}

func TestTextThatTurnsTheDirectionOfWritingIsIsolated(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	const turning = "\u202e00.5"
	values := ada.form("/payments/new", "10.00", "EUR", "5 "+turning)
	id := values.Get("payment_id")
	ada.wants(ada.post("/payments", values), http.StatusUnprocessableEntity, "/payments", "turn the direction", "\n5 00.5</textarea>")
	d.does(id, event.Meta{Actor: "ada-nowak"}, payment.Requested{ // what is in the log is shown, whatever it holds
		PaymentID: id, ContractorID: "ada-nowak", Amount: money.Amount{Minor: 1000, Currency: "EUR"},
		Description: turning, CaptureMethod: payment.Automatic,
	})
	ada.wants(ada.get("/"), http.StatusOK, "", turning+"</a></td>") // alone in its cell
	d.does(id, mia, payment.Rejected{Reason: turning})
	ada.wants(ada.get("/payments/"+id), http.StatusOK, "", turning+"</dd>", "<bdi>Mia Weber rejected it: “"+turning+"”</bdi>")
}

func TestScriptIsShownAsText(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	const script = `<script>alert("1")</script>`
	id := ada.ask("10.00", script)
	for _, path := range []string{"/", "/payments/" + id, "/?q=alert"} {
		page := ada.get(path)
		if strings.Contains(page.text, "<script>alert") || !strings.Contains(page.text, "&lt;script&gt;alert") {
			t.Errorf("%s: not shown as text", path)
		}
	}
	rows, err := d.live.Rows(t.Context(), []string{payment.Stream(id), "payment-x", "order-" + uuid.NewString()})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	if html := locale.English.Write(rows[0].HTML); strings.Contains(html, "<script") || !strings.Contains(html, "&lt;script&gt;") {
		t.Errorf("the pushed row: %s", html)
	}
}

func TestAPushedRowIsTheRowOfThePage(t *testing.T) {
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	id := ada.ask("10.00", "Tiles")
	d.confirms(id)
	d.does(id, mia, payment.Accepted{})
	rows, err := d.live.Rows(t.Context(), []string{payment.Stream(id)})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	ada.wants(ada.get("/"), http.StatusOK, "", locale.English.Write(rows[0].HTML))
	r := rows[0]
	if want := fmt.Sprint([]string{"accepted"}, d.stream(id).Revision(), "payment-"+id, "payments"); fmt.Sprint(r.Tabs, r.Revision, r.ID, r.List) != want {
		t.Errorf("%v %v %v %v, not %s", r.Tabs, r.Revision, r.ID, r.List, want)
	}
	fragments, err := d.live.Fragments(t.Context(), r.Audience)
	if err != nil {
		t.Fatal(err)
	}
	pages := ada.get("/").text + ada.get("/orders").text
	for _, f := range fragments {
		if !strings.Contains(pages, `data-live-fragment="`+f.Name+`">`+locale.English.Write(f.HTML)) {
			t.Errorf("%s is not in the page as %s", f.Name, locale.English.Write(f.HTML))
		}
	}
}

func TestPagesOfTheList(t *testing.T) {
	// given 30 payments
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	for n := range 30 {
		ada.ask("10.00", fmt.Sprintf("Item %02d.", n))
	}
	// when one goes to the older ones and back
	first := ada.get("/?tab=waiting")
	ada.wants(first, http.StatusOK, "", "Item 29.", `data-live-page="first"`, "data-live-more", `data-live-tab="waiting"`)
	older := ada.get(link(t, first, "Older"))
	ada.wants(older, http.StatusOK, "", "Item 00.", "Item 04.", `data-live-page="other"`)
	if strings.Contains(older.text, "Item 05.") || strings.Contains(older.text, ">Older<") {
		t.Error("the second page has more than its part")
	}
	newer := ada.get(link(t, older, "Newer"))
	// then that is the first page again
	ada.wants(newer, http.StatusOK, "", "Item 29.", "Item 05.", `data-live-page="first"`)
}

func TestTheCountsOfASearchAreItsOwn(t *testing.T) {
	// given two payments that wait
	d := newTestSite(t)
	ada := d.as("ada-nowak")
	ada.ask("99.95", "Tiles")
	ada.ask("10.00", "Bricks")
	// when one of them is searched for, then one is counted
	ada.wants(ada.get("/"), http.StatusOK, "", `data-live-fragment="waiting-count">2<`)
	ada.wants(ada.get("/?q=tiles"), http.StatusOK, "", `>Waiting <span class="count">1</span>`, "Tiles")
	// and so where it is searched for by its amount
	ada.wants(ada.get("/?q=99.95+eur"), http.StatusOK, "", `>Waiting <span class="count">1</span>`, "Tiles")
	// and the counts of the orders are those of a search, too
	ada.wants(ada.get("/orders?q=tiles"), http.StatusOK, "", `>Drafts <span class="count"></span>`)
}

// link is where a link of the pager leads.
func link(t *testing.T, page answer, label string) string {
	t.Helper()
	before, _, found := strings.Cut(page.text, `">`+label+"</a>")
	if !found {
		t.Fatalf("no link %q", label)
	}
	return strings.ReplaceAll(before[strings.LastIndex(before, `href="`)+len(`href="`):], "&amp;", "&")
}
