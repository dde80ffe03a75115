package pages

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

var (
	numbersView = web.NewView[numbersPage]("numbers")
	numberChart = web.NewFragment[numberTable]("number-chart")
)

// numbersPage shows the numbers of a period.
type numbersPage struct {
	Periods                  web.Tabs
	From, To, Currency, Zone web.Field
	Open                     bool // the form
	Keep                     map[string]string
	Guess                    bool // the zone is the server's guess: a browser may know better
	Fresh                    numbers.Freshness
	Late                     string // how much is not counted yet; "" for nothing
	Named                    string // the period in words
	Zoned                    string
	Empty                    *web.Empty
	Charts                   []numberTable
}

func (h *handlers) showNumbers(c echo.Context) error {
	q, err := readNumbersQuery(c, h.now())
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	page := numbersPage{Open: !q.form.OK() || q.Named == "", Zoned: q.Zone.String(), Guess: q.typed("zone") == "", Keep: map[string]string{}}
	page.setForm(q)
	if page.Fresh, err = numbers.Fresh(ctx, h.db); err != nil {
		return err
	}
	page.Late = lateText(page.Fresh)
	if q.form.OK() {
		page.Named = locale.Day(q.First) + " – " + locale.Day(q.Last)
		if q.First.Equal(q.Last) {
			page.Named = locale.Day(q.First)
		}
		some, charts, err := h.countNumbers(ctx, q)
		if err != nil {
			return err
		}
		page.Charts = charts
		if !some {
			page.Empty = &web.Empty{Title: "Nothing in this period", Text: "Nothing was requested, decided or paid. Choose a longer period above.",
				Action: &web.Link{Label: "Show this year", Href: q.address(numbersPath, "from", "", "to", "", "period", "year")}}
		}
	}
	return numbersView.Render(c, q.form.Status(), web.Page{Title: "Numbers", Nav: "numbers"}, page)
}

func lateText(f numbers.Freshness) string {
	switch {
	case f.AsOf.IsZero():
		return "The numbers are being counted, and not complete yet. Please look again in a moment."
	case f.Waits >= numbers.MostWaits:
		return "More than " + locale.Count(numbers.MostWaits) + " events since are not counted yet."
	case f.Waits > 0:
		return "What happened since is being counted."
	}
	return ""
}

func (page *numbersPage) setForm(q numbersQuery) {
	for _, p := range numberPeriods {
		name := p.name
		if name == numberPeriods[0].name {
			name = ""
		}
		page.Periods = append(page.Periods, web.Tab{Label: p.label, Current: q.form.OK() && p.name == q.Named,
			Href: q.address(numbersPath, "from", "", "to", "", "period", name)})
	}
	day := func(name, label string) web.Field {
		f := q.form.Field(name, label)
		if f.Value == "" && q.form.OK() { // so that the form begins with what is shown
			f.Value = map[string]time.Time{"from": q.First, "to": q.Last}[name].Format(time.DateOnly)
		}
		if f.Type = "date"; f.Error != "" {
			f.Type = "text" // a field for dates would not show what was typed
		}
		return f
	}
	page.From, page.To = day("from", "From"), day("to", "To")
	currencies := []web.Choice{{Label: "All"}}
	for _, code := range money.Currencies() {
		currencies = append(currencies, web.Choice{Value: code, Label: code})
	}
	page.Currency = q.form.Field("currency", "Currency").Select(currencies)
	page.Zone = q.form.Field("zone", "Time zone").Placeholder("UTC").Hint("Days begin and end in it.")
}

func (h *handlers) exportNumbers(c echo.Context) error {
	q, err := readNumbersQuery(c, h.now())
	if err != nil {
		return err
	}
	if !q.form.OK() {
		return web.BadRequest("This address is not complete. Please open the numbers again.")
	}
	_, charts, err := h.countNumbers(c.Request().Context(), q)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(charts, func(t numberTable) bool { return t.Key == c.QueryParam("chart") })
	if i < 0 {
		return web.NotFound("There is no such table. Perhaps nothing of it is in this period any more.")
	}
	return web.SendCSV(c, "numbers-"+charts[i].Key, charts[i].Heads, func(yield func([]string, error) bool) {
		for _, r := range charts[i].Rows {
			cells := []string{r.About.Raw}
			for _, cell := range r.Cells {
				cells = append(cells, cell.Raw)
			}
			if !yield(cells, nil) {
				return
			}
		}
	})
}

// countNumbers makes all charts of a period; some is false if nothing happened in it.
func (h *handlers) countNumbers(ctx context.Context, q numbersQuery) (some bool, charts []numberTable, err error) {
	steps := q.Steps()
	tallies, err := numbers.Read(ctx, h.db, steps, q.Currency)
	if err != nil {
		return false, nil, err
	}
	waits, err := numbers.Waits(ctx, h.db, h.now(), q.Currency)
	if err != nil {
		return false, nil, err
	}
	contractors, err := numbers.Contractors(ctx, h.db, steps[0].From, steps[len(steps)-1].To, q.Currency)
	if err != nil {
		return false, nil, err
	}
	p := plotter{q: q, steps: steps, tallies: tallies}
	for _, s := range steps {
		p.names = append(p.names, stepCell(q.Period, s))
	}
	whole := numbers.Tally{}
	for _, t := range tallies {
		whole.Add(t)
	}
	if len(whole) > 0 {
		charts = append(charts, p.decisions())
		for _, currency := range numbers.Currencies(tallies) {
			charts = append(charts, p.money(currency))
		}
		charts = append(charts, p.took())
	}
	charts = append(charts, waitingTable(waits))
	if len(whole) > 0 {
		charts = append(charts, declinesTable(whole), contractorsTable(whole, contractors))
	}
	for i := range charts {
		charts[i].Export = q.exact(numbersPath+"/export", charts[i].Key)
	}
	return len(whole) > 0, charts, nil
}

// plotter makes the charts over the steps of a period.
type plotter struct {
	q       numbersQuery
	steps   []numbers.Step
	names   []numberCell
	tallies []numbers.Tally
}

// table begins a chart with a row for each step.
func (p plotter) table(key, title, says string, heads ...string) numberTable {
	t := numberTable{Key: key, Title: title, Says: says, Heads: append([]string{stepHeads[p.q.Unit()]}, heads...)}
	for _, name := range p.names {
		t.Rows = append(t.Rows, numberRow{About: name})
	}
	return t
}

// plot adds a column to a table, and returns it as it is drawn.
func (p plotter) plot(t *numberTable, name, class string, value func(numbers.Tally) (float64, numberCell)) plotted {
	made := plotted{series: series{name, class}}
	for i, tally := range p.tallies {
		v, cell := value(tally)
		made.values, made.said = append(made.values, v), append(made.said, strings.ToLower(name)+" "+cell.Text)
		t.Rows[i].Cells = append(t.Rows[i].Cells, cell)
	}
	return made
}

func writeCount(v float64) string { return locale.Count(int64(v)) }

func (p plotter) decisions() numberTable {
	t := p.table("decisions", "Requests and decisions", "How many payments were requested, accepted and rejected, by time.", "Requested", "Accepted", "Rejected", "Withdrawn", "Cancelled")
	count := func(name, class, kind string) plotted {
		return p.plot(&t, name, class, func(t numbers.Tally) (float64, numberCell) {
			n := t.Count(kind)
			return float64(n), countCell(n)
		})
	}
	drawn := []plotted{count("Requested", "series-1", numbers.Requested), count("Accepted", "series-2", numbers.Accepted), count("Rejected", "series-3", numbers.Rejected)}
	count("Withdrawn", "", numbers.Withdrawn)
	count("Cancelled", "", numbers.Cancelled)
	t.Drawing = draw(t.Key, p.names, true, roof, writeCount, drawn...)
	if len(t.Drawing.Bars) == 0 {
		t.Flat = "Nothing was requested, accepted or rejected."
	}
	return t
}

func (p plotter) money(currency string) numberTable {
	t := p.table("money-"+currency, "Money in "+currency, "What was captured, refunded and released in "+currency+", by time.",
		"Requested", "Captured", "Refunded", "Released")
	sum := func(name, class, kind string) plotted {
		return p.plot(&t, name, class, func(t numbers.Tally) (float64, numberCell) {
			minor := t.Money(kind, currency).Minor
			v, _ := new(big.Float).SetInt(minor).Float64()
			return v, moneyCell(minor, currency)
		})
	}
	drawn := []plotted{sum("Requested", "", numbers.Requested), sum("Captured", "series-2", numbers.Captured), sum("Refunded", "series-3", numbers.Refunded), sum("Released", "series-1", numbers.Released)}
	t.Drawing = draw(t.Key, p.names, true, roof, func(v float64) string {
		minor, _ := big.NewFloat(v).Int(nil)
		return locale.Sum(money.Sum{Minor: minor, Currency: currency})
	}, drawn[1:]...)
	if len(t.Drawing.Bars) == 0 {
		t.Flat = "No money was captured, refunded or released in " + currency + "."
	}
	return t
}

func (p plotter) took() numberTable {
	t := p.table("time-to-decision", "Time to decision", "How long requests waited until they were accepted or rejected, by when they were: half of them this long at most, and 95 of 100.",
		"Median", "95 of 100 within", "Decisions")
	took := func(name, class string, share float64) plotted {
		return p.plot(&t, name, class, func(t numbers.Tally) (float64, numberCell) {
			took, n := t.Decided(share)
			if n == 0 {
				return math.NaN(), tookCell(0, 0)
			}
			return took.Seconds(), tookCell(took, n)
		})
	}
	drawn := []plotted{took("Median", "series-1", 0.5), took("95 of 100 within", "series-3", 0.95)}
	p.plot(&t, "Decisions", "", func(t numbers.Tally) (float64, numberCell) {
		_, n := t.Decided(1)
		return float64(n), countCell(n)
	})
	t.Drawing = draw(t.Key, p.names, false, roofTook, func(v float64) string { return tookText(time.Duration(v) * time.Second) }, drawn...)
	if len(t.Drawing.Lines) == 0 {
		t.Flat = "Nothing was accepted or rejected."
	}
	t.Note = "Times are kept in classes: each is right to a tenth. In files they are in seconds."
	return t
}

// ageLabels are for numbers.Ages.
var ageLabels = []string{"Less than 1 h", "1 h to 4 h", "4 h to 24 h", "1 to 3 days", "3 to 7 days", "7 to 30 days", "30 days or more"}

func waitingTable(waits []numbers.Tally) numberTable {
	t := numberTable{Key: "waiting", Title: "Waiting now, by age", Says: "How many payments wait for a decision now, by how long they have.",
		Heads: []string{"Waits for", "Payments"}, Note: "To the quarter of an hour. Whatever the period."}
	currencies := numbers.Currencies(waits)
	for _, code := range currencies {
		t.Heads = append(t.Heads, "In "+code)
	}
	all := int64(0)
	for i, w := range waits {
		row := numberRow{About: numberCell{ageLabels[i], ageLabels[i]}, Cells: []numberCell{countCell(w.CountWaiting())}, Bar: float64(w.CountWaiting())}
		for _, code := range currencies {
			row.Cells = append(row.Cells, moneyCell(w.WaitingIn(code).Minor, code))
		}
		t.Rows = append(t.Rows, row)
		all += w.CountWaiting()
	}
	if all == 0 {
		t.Nothing = "Nothing waits for a decision."
	}
	return t.scaled()
}

// scaled makes shares of 100 of the bars.
func (t numberTable) scaled() numberTable {
	most := 0.0
	for _, r := range t.Rows {
		most = max(most, r.Bar)
	}
	for i := range t.Rows {
		if t.Rows[i].Bar > 0 {
			t.Rows[i].Bar = tenth(max(0.5, t.Rows[i].Bar/most*100))
		}
	}
	return t
}

// mostCodes is how many codes of declines have a row of their own.
const mostCodes = 20

func declinesTable(whole numbers.Tally) numberTable {
	t := numberTable{Key: "declines", Title: "Declines by reason", Says: "How often the gateway declined to hold the money, by its reason.",
		Heads: []string{"The gateway’s reason", "Declines"}, Note: "Each attempt counts: a payment may be declined up to four times."}
	by := whole.Details(numbers.Declined)
	var codes []string
	for code := range by {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b string) int {
		if by[a] != by[b] {
			return int(max(-1, min(1, by[b]-by[a])))
		}
		return strings.Compare(a, b)
	})
	others := int64(0)
	for i, code := range codes {
		if i >= mostCodes {
			others += by[code]
			continue
		}
		t.Rows = append(t.Rows, numberRow{About: numberCell{code, text.Harmless(code)}, Cells: []numberCell{countCell(by[code])}, Bar: float64(by[code])})
	}
	if others > 0 {
		t.Rows = append(t.Rows, numberRow{About: numberCell{"Others", "Others"}, Cells: []numberCell{countCell(others)}, Bar: float64(others)})
	}
	if len(t.Rows) == 0 {
		t.Nothing = "Nothing was declined in this period."
	}
	return t.scaled()
}

func contractorsTable(whole numbers.Tally, contractors []numbers.Contractor) numberTable {
	t := numberTable{Key: "contractors", Title: "By contractor", Says: "How many payments each contractor requested, and what became of them.",
		Heads: []string{"Contractor", "Requested", "Accepted", "Rejected"},
		Note:  fmt.Sprintf("The %d who requested most, and all others in one row.", numbers.MostContractors)}
	currencies := numbers.Currencies([]numbers.Tally{whole})
	for _, code := range currencies {
		t.Heads = append(t.Heads, "Captured in "+code)
	}
	row := func(name string, tally numbers.Tally) numberRow {
		r := numberRow{About: numberCell{name, text.Harmless(name)}, Bar: float64(tally.Count(numbers.Requested))}
		for _, kind := range []string{numbers.Requested, numbers.Accepted, numbers.Rejected} {
			r.Cells = append(r.Cells, countCell(tally.Count(kind)))
		}
		for _, code := range currencies {
			r.Cells = append(r.Cells, moneyCell(tally.Money(numbers.Captured, code).Minor, code))
		}
		return r
	}
	others := whole
	for _, one := range contractors {
		t.Rows = append(t.Rows, row(one.Name, one.Tally))
		others = others.Without(one.Tally)
	}
	if len(contractors) == numbers.MostContractors {
		t.Rows = append(t.Rows, row("Others", others))
	}
	return t.scaled()
}
