package faults

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/signing"
)

// What a journal gives as evidence is what the topic holds, byte for byte, and holds by the services' keys,
// whichever service's journal it is.
func TestEvidenceIsWhatTheTopicHolds(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	p := signInBoth(t, sys)
	var payments []string
	for _, description := range []string{"Roof", `Bücher "<b>" & 100% 𝄞 \u0041`} {
		id, err := p.request(t.Context(), "1,250.07", description)
		require.NoError(t, err)
		require.NoError(t, p.accept(t.Context(), id))
		payments = append(payments, id)
	}
	sys.Settle(t)

	client := kafka.Open("test", connection.Plaintext(sys.Parts.Brokers))
	defer client.Close()
	partitions, err := client.Offsets(t.Context(), "", payment.Topic)
	require.NoError(t, err)
	published := map[string][]evidence.Event{}
	for _, partition := range partitions {
		require.NoError(t, client.Messages(t.Context(), partition, func(m signing.Message, malformed error) error {
			of := published[m.Attributes["subject"]]
			published[m.Attributes["subject"]] = append(of, evidence.Event{Number: len(of) + 1, Topic: m.Topic, Partition: m.Partition, Offset: m.Offset,
				Attributes: m.Attributes, Data: string(m.Data)})
			return malformed
		}))
	}
	keys := sys.Keys.Trust()
	trust := keys.Trust()
	for _, service := range journals {
		db, err := pg.Open(t.Context(), sys.Database[service])
		require.NoError(t, err)
		t.Cleanup(db.Close)
		for _, id := range payments {
			records, err := journal.New(db, "/"+service).ReadSigned(t.Context(), payment.Stream(id))
			require.NoError(t, err)
			bundle := evidence.Of(id, records, keys)
			require.Equal(t, published[id], bundle.Events, service)
			report, err := evidence.Check(bundle, payment.Events, &trust)
			require.NoError(t, err)
			require.Empty(t, report.Faults, service)
			require.Len(t, report.Findings, 4, "requested, accepted, authorized, captured")
		}
	}
}
