package history

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// Then is what an aggregate was after one of its events, beside what it was before.
type Then struct {
	Step
	Fields []Field
}

// Field is a part of an aggregate's state as people read it; "" for nothing.
type Field struct {
	Name, Before, After string
	Changed             bool
}

// Thread reads one stream; ErrNone where it has no events. Shown is an event's data for who looks.
func (r *Reader) Thread(ctx context.Context, stream string, shown func(Event) []byte) (Thread, error) {
	c := Case{shown: shown}
	if err := r.addThreads(ctx, &c, stream); err != nil {
		return Thread{}, err
	}
	if len(c.Threads[0].Events) == 0 {
		return Thread{}, ErrNone
	}
	return c.Threads[0], nil
}

// Steps are the stream's events in the order in which they count.
func (t Thread) Steps() []Step { return t.steps }

// Folds tells whether the stream's states are known: it is a payment's or an order's, from its beginning on.
func (t Thread) Folds() bool { return !t.Partial && (t.IsPayment() || t.IsOrder()) }

// Then is the state after the event with that index. Only a stream that Folds has one.
func (t Thread) Then(index int) Then {
	then := Then{Step: t.steps[index]}
	var before, after any
	switch entries := t.entries(); {
	case t.IsPayment():
		before, after = fold(payment.Fold, entries[:index]), fold(payment.Fold, entries[:index+1])
	default:
		before, after = fold(order.Fold, entries[:index]), fold(order.Fold, entries[:index+1])
	}
	then.Fields = fields(before, after)
	return then
}

// fold is an aggregate without its steps.
func fold[A, S any](fold func([]aggregate.Entry) (A, []S), entries []aggregate.Entry) any {
	folded, _ := fold(entries)
	return folded
}

// fields compares two states of an aggregate, field by field. A field that has nothing in both is left out.
func fields(before, after any) (all []Field) {
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range a.NumField() {
		f := Field{Name: words(a.Type().Field(i).Name), Before: shownValue(b.Field(i)), After: shownValue(a.Field(i))}
		if f.Before == "" && f.After == "" {
			continue
		}
		f.Changed = f.Before != f.After
		all = append(all, f)
	}
	return all
}

// words makes "Captured amount" of CapturedAmount.
func words(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		begins := i > 0 && unicode.IsUpper(r) && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if begins {
			b.WriteByte(' ')
		}
		if begins && (i+1 == len(letters) || !unicode.IsUpper(letters[i+1])) {
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// shownValue is a value as people read it; "" for nothing.
func shownValue(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case money.Amount:
		if value.Currency == "" {
			return ""
		}
		return locale.Amount(value)
	case time.Time:
		if value.IsZero() {
			return ""
		}
		return locale.ToTheSecond(value)
	case aggregate.Act:
		if !value.Done() {
			return ""
		}
		said := aggregate.By(locale.ToTheSecond(value.At), aggregate.NameOf(value.By, value.ByName))
		if !value.Confirmed {
			said += ", not confirmed by the log"
		}
		return said
	}
	switch {
	case v.IsZero():
		return ""
	case v.Kind() == reflect.Bool:
		return "yes"
	case v.CanInt():
		return locale.Count(v.Int())
	case v.Kind() == reflect.Slice:
		lines := make([]string, v.Len())
		for i := range lines {
			lines[i] = shownValue(v.Index(i))
		}
		return strings.Join(lines, "\n")
	case v.Kind() == reflect.Struct:
		var parts []string
		for i := range v.NumField() {
			if said := shownValue(v.Field(i)); said != "" {
				parts = append(parts, strings.ToLower(words(v.Type().Field(i).Name))+" "+said)
			}
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v.Interface())
}
