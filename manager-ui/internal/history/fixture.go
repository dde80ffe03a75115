package history

import (
	"bytes"
	"fmt"
	"go/format"
	"reflect"
	"strconv"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
)

// Fixture is a stream as what a test in Go is given: a file of the package's own tests, which folds to the
// state that the stream has here. Only a stream that Folds has one.
func (t Thread) Fixture() string {
	f := fixture{pkg: "order", decode: order.Decode, writer: order.Writer, module: "ordering-core/order"}
	then := fmt.Sprintf("o.State != %q || o.PaidBy != %q", t.Order.State, t.Order.PaidBy)
	name := "o"
	if t.IsPayment() {
		f = fixture{pkg: "payment", decode: payment.Decode, writer: payment.Writer, module: "payments-core/payment"}
		name, then = "p", fmt.Sprintf("p.Decision != %q || p.Money != %q", t.Payment.Decision, t.Payment.Money)
	}
	for _, e := range t.Events {
		f.add(e)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s_test\n\nimport (\n\t\"testing\"\n\t\"time\"\n\n\t\"github.com/google/uuid\"\n\n\t\"countersign.example/%s\"\n\t\"countersign.example/pkg/event\"\n", f.pkg, f.module)
	if f.money {
		b.WriteString("\t\"countersign.example/pkg/money\"\n")
	}
	fmt.Fprintf(&b, ")\n\n// onRecord are the events of %s.\nfunc onRecord() (entries []%s.Entry) {\n", t.Stream, f.pkg)
	fmt.Fprintf(&b, `	at := func(moment string) time.Time {
		t, err := time.Parse(time.RFC3339Nano, moment)
		if err != nil {
			panic(err)
		}
		return t
	}
	add := func(id, moment string, sequence int64, by event.Meta, body %[1]s.Body) *%[1]s.Entry {
		e := %[1]s.New(%[1]s.Writer(body.EventType()), %[2]q, body)
		e.ID, e.Time, e.Sequence, e.Meta = uuid.MustParse(id), at(moment), sequence, by
		entries = append(entries, %[1]s.Entry{Event: e, Confirmed: true})
		return &entries[len(entries)-1]
	}
`, f.pkg, t.Events[0].Subject)
	b.Write(f.body.Bytes())
	fmt.Fprintf(&b, "\treturn entries\n}\n\nfunc TestOnRecord(t *testing.T) {\n\t// given\n\t%[1]s, _ := %[2]s.Fold(onRecord())\n\t// then\n\tif %[3]s {\n\t\tt.Errorf(\"it came to %%+v\", %[1]s)\n\t}\n}\n",
		name, f.pkg, then)
	formatted, err := format.Source(b.Bytes())
	if err != nil { // a test compiles what it writes
		return b.String()
	}
	return string(formatted)
}

// fixture writes the events of one package.
type fixture struct {
	pkg, module string
	decode      func(typ string, data []byte) (aggregate.Body, error)
	writer      func(typ string) string
	body        bytes.Buffer
	money       bool // an amount was written
}

func (f *fixture) add(e Event) {
	body, err := f.decode(e.Type, e.Data)
	if err != nil {
		fmt.Fprintf(&f.body, "\t// %s of %s is left out: this version cannot read it.\n", strconv.Quote(e.Type), e.Time.Format(time.RFC3339Nano))
		return
	}
	by := "event.Meta{}"
	if e.Actor != "" || e.ActorName != "" {
		by = fmt.Sprintf("event.Meta{Actor: %q, ActorName: %q}", e.Actor, e.ActorName)
	}
	fmt.Fprintf(&f.body, "\tadd(%q, %q, %d, %s, %s)", e.ID, e.Time.Format(time.RFC3339Nano), e.Sequence, by, f.literal(reflect.ValueOf(body)))
	switch {
	case e.Source != f.writer(e.Type):
		fmt.Fprintf(&f.body, ".Source = %q // which is not its writer", e.Source)
	case e.Log == 0:
		f.body.WriteString(".Confirmed = false")
	}
	f.body.WriteByte('\n')
}

// literal is a value as Go writes it. What is zero is left out of a struct.
func (f *fixture) literal(v reflect.Value) string {
	if at, is := v.Interface().(time.Time); is {
		return fmt.Sprintf("at(%q)", at.Format(time.RFC3339Nano))
	}
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Slice:
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s{", v.Type())
		for i := range v.Len() {
			b.WriteString("\n" + f.literal(v.Index(i)) + ",")
		}
		b.WriteString("\n}")
		return b.String()
	case reflect.Struct:
		var b bytes.Buffer
		name := v.Type().String()
		f.money = f.money || name == "money.Amount"
		b.WriteString(name + "{")
		comma := ""
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				b.WriteString(comma + v.Type().Field(i).Name + ": " + f.literal(v.Field(i)))
				comma = ", "
			}
		}
		b.WriteString("}")
		return b.String()
	}
	return fmt.Sprint(v.Interface())
}
