package evidence_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign.example/pkg/event"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/signing"
)

const subject = "0193f3a0-0000-7000-8000-0000000000aa"

var (
	now   = time.Now().UTC()
	quiet = slog.New(slog.DiscardHandler)
	topic = event.Topic{Name: "things", Writer: func(typ string) string {
		return map[string]string{"thing_asked": "/asker", "thing_accepted": "/decider", "thing_done": "/core"}[typ]
	}}
)

// given are a bundle that holds, and the folder of the keys by which it does.
func given(tb testing.TB) (evidence.Bundle, string) {
	tb.Helper()
	dir := tb.TempDir()
	b := evidence.Bundle{Format: evidence.Format, Subject: subject}
	for i, one := range []struct{ typ, actor, data string }{
		{"thing_asked", "ada", `{"amount": {"minor": 1250, "currency": "EUR"}, "text": "Bücher <1>"}`}, {"thing_accepted", "mia", `{"note": ""}`}, {"thing_done", "", `{}`},
	} {
		source := topic.Writer(one.typ)
		key, err := signing.Generate(dir, source, now.Add(-time.Hour), now.Add(time.Hour))
		require.NoError(tb, err)
		b.Keys = append(b.Keys, key)
		e := evidence.Event{Number: i + 1, Topic: topic.Name, Partition: 2, Offset: int64(10 + 3*i), Data: one.data, Attributes: map[string]string{
			"specversion": "1.0", "id": fmt.Sprintf("0193f3a0-0000-7000-8000-00000000000%d", i), "source": source, "type": one.typ, "subject": subject,
			"time": now.Add(time.Duration(i) * time.Minute).Format(time.RFC3339Nano), "datacontenttype": "application/json", "correlationid": "c",
		}}
		if one.actor != "" {
			e.Attributes["actor"], e.Attributes["actorname"] = one.actor, strings.ToUpper(one.actor)
		}
		sign(tb, dir, source, e)
		b.Events = append(b.Events, e)
	}
	return b, dir
}

func sign(tb testing.TB, dir, source string, e evidence.Event) {
	tb.Helper()
	keys, err := signing.OpenKeys(signing.TrustFile(dir), quiet)
	require.NoError(tb, err)
	signer, err := signing.OpenSigner(signing.KeyFile(dir, source), source, keys, quiet)
	require.NoError(tb, err)
	delete(e.Attributes, signing.MaterialAttribute)
	delete(e.Attributes, signing.ExtensionsAttribute)
	require.NoError(tb, signer.Sign(e.Message().Event))
}

func check(tb testing.TB, b evidence.Bundle, trust *signing.Trust) evidence.Report {
	tb.Helper()
	r, err := evidence.Check(b, topic, trust)
	require.NoError(tb, err)
	return r
}

func said(tb testing.TB, r evidence.Report) string {
	tb.Helper()
	var out bytes.Buffer
	require.NoError(tb, r.Print(&out, "thing_accepted"))
	return out.String()
}

func TestABundleThatIsWrittenAndReadHolds(t *testing.T) {
	b, _ := given(t)
	var file bytes.Buffer
	require.NoError(t, evidence.Write(&file, b))
	again, err := evidence.Read(&file)
	require.NoError(t, err)
	require.Equal(t, b, again)

	r := check(t, again, nil)
	require.Empty(t, r.Faults)
	for i, f := range r.Findings {
		require.True(t, f.Verified, i)
		require.Equal(t, b.Keys[i].ID, f.Key.ID)
	}
	text := said(t, r)
	require.Contains(t, text, "thing_accepted (event 2) is signed with key "+b.Keys[1].ID+" of /decider, which says that MIA (mia) did it")
	require.Contains(t, text, "things/2/13")
	require.Contains(t, text, "--keys FILE")
	require.NotContains(t, text, "does not hold")
}

func TestWhateverIsChangedIsSaidByName(t *testing.T) {
	for name, change := range map[string]struct {
		do           func(b *evidence.Bundle, dir string)
		event, words string
	}{
		"a byte of the data": {func(b *evidence.Bundle, _ string) {
			b.Events[0].Data = strings.Replace(b.Events[0].Data, "1250", "9250", 1)
		}, "event 1", "they were changed"},
		"an attribute":       {func(b *evidence.Bundle, _ string) { b.Events[1].Attributes["actor"] = "tom" }, "event 2", "they were changed"},
		"an attribute added": {func(b *evidence.Bundle, _ string) { b.Events[1].Attributes["approvedby"] = "tom" }, "event 2", `"approvedby" is not signed`},
		"a signature": {func(b *evidence.Bundle, _ string) {
			b.Events[2].Attributes[signing.MaterialAttribute] = b.Events[1].Attributes[signing.MaterialAttribute]
		}, "event 3", "of /decider, and says that /core has written it"},
		"no signature": {func(b *evidence.Bundle, _ string) { delete(b.Events[1].Attributes, signing.MaterialAttribute) }, "event 2", "no signature"},
		"two swapped":  {func(b *evidence.Bundle, _ string) { b.Events[0], b.Events[1] = b.Events[1], b.Events[0] }, "event 1", "in another order"},
		"two swapped with their numbers": {func(b *evidence.Bundle, _ string) {
			b.Events[0], b.Events[1] = b.Events[1], b.Events[0]
			b.Events[0].Number, b.Events[1].Number = 1, 2
		}, "event 2", "is not after that of event 1"},
		"one removed":        {func(b *evidence.Bundle, _ string) { b.Events = slices.Delete(b.Events, 1, 2) }, "event 2", "an event before it is missing"},
		"the first removed":  {func(b *evidence.Bundle, _ string) { b.Events = b.Events[1:] }, "event 1", "an event before it is missing"},
		"one twice":          {func(b *evidence.Bundle, _ string) { twice(b) }, "event 3", "has the id of event 2"},
		"another's key":      {func(b *evidence.Bundle, _ string) { b.Keys[1].Source = "/evil" }, "event 2", "of /evil, and says that /decider has written it"},
		"another's event":    {func(b *evidence.Bundle, _ string) { b.Subject = "x" }, "event 1", `the bundle is about "x"`},
		"an unknown key":     {func(b *evidence.Bundle, _ string) { b.Keys = b.Keys[:1] }, "event 2", "which nobody here knows"},
		"an expired key":     {func(b *evidence.Bundle, _ string) { b.Keys[1].ValidUntil = now }, "event 2", "the key had expired"},
		"another topic":      {func(b *evidence.Bundle, _ string) { b.Events[0].Topic = "orders" }, "event 1", "no place of the topic things"},
		"by another service": {func(b *evidence.Bundle, dir string) { another(t, b, dir, "/core", "thing_accepted") }, "event 2", "/core has written it, and only /decider may"},
		"of an unknown type": {func(b *evidence.Bundle, dir string) { another(t, b, dir, "/decider", "thing_new") }, "event 2", "does not know its type"},
	} {
		t.Run(name, func(t *testing.T) {
			b, dir := given(t)
			change.do(&b, dir)
			r := check(t, b, nil)
			require.False(t, r.Holds())
			require.Contains(t, r.Faults[0], change.event+" of the bundle")
			require.Contains(t, r.Faults[0], change.words)
			require.Contains(t, said(t, r), r.Faults[0])
			require.NotContains(t, said(t, r), "What this proves")
		})
	}
}

func twice(b *evidence.Bundle) {
	e := b.Events[1]
	e.Number, e.Offset = 3, 14
	b.Events[2] = e
}

// another has a service sign as its own what it may not write.
func another(tb testing.TB, b *evidence.Bundle, dir, source, typ string) {
	tb.Helper()
	e := b.Events[1]
	e.Attributes["source"], e.Attributes["type"] = source, typ
	sign(tb, dir, source, e)
}

func TestOnlyGivenKeysCountWhereThereAreSome(t *testing.T) {
	b, _ := given(t)
	_, elsewhere := given(t)
	var foreign signing.Trust
	require.NoError(t, signing.ChangeTrust(elsewhere, func(trust *signing.Trust) { foreign = *trust }))
	r := check(t, b, &foreign)
	require.Len(t, r.Faults, 3)
	require.Contains(t, r.Faults[0], "which nobody here knows")

	trusted := signing.Trust{Keys: b.Keys}
	b.Keys = foreign.Keys
	r = check(t, b, &trusted)
	require.Empty(t, r.Faults)
	require.Contains(t, said(t, r), "Only those have counted")
}

func TestWhatIsFromBeforeSigningProvesNothing(t *testing.T) {
	b, _ := given(t)
	delete(b.Events[0].Attributes, signing.MaterialAttribute)
	trust := signing.Trust{Keys: b.Keys, UnsignedUntil: map[string]map[int]int64{"things": {2: 11}}}
	r := check(t, b, &trust)
	require.Empty(t, r.Faults)
	require.True(t, r.Findings[0].Unsigned)
	require.False(t, r.Findings[0].Verified)
	require.Contains(t, said(t, r), "Anything about the 1 events that are not signed")
	require.False(t, check(t, b, nil).Holds(), "a bundle does not say itself what needs no signature")
}

func TestAKeyThatWasRenewedWhileAnEventWaitedCounts(t *testing.T) {
	b, dir := given(t)
	key, err := signing.Generate(dir, "/decider", now.Add(-time.Minute), now.Add(time.Hour))
	require.NoError(t, err)
	b.Keys[1] = key
	b.Events[1].Attributes["time"] = now.Add(-time.Hour).Format(time.RFC3339Nano)
	sign(t, dir, "/decider", b.Events[1])
	require.Empty(t, check(t, b, nil).Faults)
}

// TestNoByteFlippedIsVerified: whatever bits of a bundle change, no event with other contents is verified.
func TestNoByteFlippedIsVerified(t *testing.T) {
	b, _ := given(t)
	var file bytes.Buffer
	require.NoError(t, evidence.Write(&file, b))
	content := file.Bytes()
	meaning := func(e evidence.Event) string {
		attributes := maps.Clone(e.Attributes)
		delete(attributes, signing.MaterialAttribute) // base64 and JSON have many spellings of one signature
		if at, err := time.Parse(time.RFC3339Nano, attributes["time"]); err == nil {
			attributes["time"] = at.String()
		}
		return fmt.Sprint(attributes, e.Data)
	}
	signed := map[string]bool{}
	for _, e := range b.Events {
		signed[meaning(e)] = true
	}
	still := 0
	rapid.Check(t, func(t *rapid.T) {
		flipped := bytes.Clone(content)
		for range rapid.IntRange(1, 3).Draw(t, "flips") {
			flipped[rapid.IntRange(0, len(flipped)-1).Draw(t, "at")] ^= rapid.Byte().Filter(func(b byte) bool { return b != 0 }).Draw(t, "bits")
		}
		read, err := evidence.Read(bytes.NewReader(flipped))
		if err != nil {
			return
		}
		r, err := evidence.Check(read, topic, nil)
		if err != nil {
			return
		}
		_ = r.Print(&bytes.Buffer{})
		for i, f := range r.Findings {
			if f.Verified && !signed[meaning(read.Events[i])] {
				t.Fatalf("event %d is verified, and is not what was signed: %v", i+1, read.Events[i])
			}
			if f.Verified {
				still++
			}
		}
	})
	require.Positive(t, still, "some flips leave the other events as they were")
}

func TestWhatIsNoBundleIsSaidSo(t *testing.T) {
	for name, c := range map[string]struct{ content, words string }{
		"nothing":          {"", "not a bundle"},
		"not JSON":         {"\x7fELF\x00\x01", "not a bundle"},
		"another JSON":     {`{"events": []}`, "names no format"},
		"a later format":   {`{"format": "countersign-evidence/2"}`, "as new as the bundle"},
		"no event":         {`{"format": "countersign-evidence/1", "events": []}`, "no event"},
		"an unknown":       {`{"format": "countersign-evidence/1", "approved": true}`, "approved"},
		"a member twice":   {`{"format": "countersign-evidence/1", "subject": "a", "subject": "b"}`, "duplicate"},
		"more after":       {`{"format": "countersign-evidence/1"} {}`, "not a bundle"},
		"deep":             {`{"events": ` + strings.Repeat("[", 1_000_000), "not a bundle"},
		"deep and unknown": {`{"x": ` + strings.Repeat(`{"x":`, 1_000_000), "not a bundle"},
		"huge":             {strings.Repeat(" ", 65<<20), "more than 64 MiB"},
		"many":             {`{"format": "countersign-evidence/1", "events": [` + strings.Repeat("{},", 10_000) + "{}]}", "more than 10000 events"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := evidence.Read(strings.NewReader(c.content))
			require.ErrorContains(t, err, c.words)
		})
	}
	_, err := evidence.Check(evidence.Bundle{Keys: []signing.Key{{Source: "/x", ID: "y"}}, Events: []evidence.Event{{}}}, topic, nil)
	require.ErrorContains(t, err, "its keys cannot be used")
}

func TestNoTextOfABundleSteersATerminal(t *testing.T) {
	b, _ := given(t)
	b.Subject = "\x1b[2J"
	for _, e := range b.Events {
		for name := range e.Attributes {
			e.Attributes[name] += "\x1b[2J\n"
		}
	}
	b.Events[0].Attributes = nil
	b.Events[1].Topic = "\x1b]0;x\a"
	text := said(t, check(t, b, nil))
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\a")
}
