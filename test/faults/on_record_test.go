package faults

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// Whoever takes over a service has its database's role. What is on record stays.
func TestNoServiceMayChangeWhatIsOnRecord(t *testing.T) {
	t.Parallel()
	// given a system that was used, under the roles that services have
	sys := newSystem(t)
	p := signInBoth(t, sys)
	id, err := p.request(t.Context(), "12.00", "on record")
	require.NoError(t, err)
	require.NoError(t, p.accept(t.Context(), id))
	sys.Settle(t)

	for _, service := range journals {
		conn, err := pgx.Connect(t.Context(), sys.Serving(service))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		owner := connect(t, sys, service)
		fingerprint := func() (sum string) {
			const all = `select md5(string_agg(journal::text, ' ' order by position)) || ' ' || count(*) from journal`
			require.NoError(t, owner.QueryRow(t.Context(), all).Scan(&sum))
			return sum
		}
		_, err = owner.Exec(t.Context(), "insert into operator_decisions (decision, detail, reason, decided_by) values ('skip', 'nothing', 'a test', 'a test')")
		require.NoError(t, err)
		before := fingerprint()
		// PostgreSQL only warns of this one, and gives nothing.
		_, err = conn.Exec(t.Context(), "grant all on journal to current_user")
		require.NoError(t, err)

		for _, attempt := range []string{
			"update journal set actor = 'tom-berg'", "update journal set data = '{}'", "update journal set time = now()",
			"update journal set log = log + 1 where log > 0", "update journal set signature = null, key_id = null where log > 0",
			"update journal set topic = null where log > 0",
			"delete from journal", "truncate journal", "drop table journal", "drop table journal cascade",
			"alter table journal disable trigger all", "alter table journal disable trigger journal_places_are_kept",
			"drop trigger journal_places_are_kept on journal", "drop function journal_places_are_kept cascade",
			"create trigger mine before insert on journal for each row execute function suppress_redundant_updates_trigger()",
			"create rule mine as on insert to journal do instead nothing",
			"set session_replication_role = replica", "alter table journal owner to current_user", "alter table journal rename to journal_2",
			"alter table journal drop column signature", "set role postgres",
			"update operator_decisions set reason = ''", "delete from operator_decisions", "truncate operator_decisions",
			"delete from goose_journal", "update goose_journal set is_applied = false",
		} {
			_, err := conn.Exec(t.Context(), attempt)
			refused := new(pgconn.PgError)
			if !errors.As(err, &refused) || refused.Code != "42501" && refused.Code != "23001" {
				t.Errorf("%s may %s: %v", service, attempt, err)
			}
		}
		require.Equal(t, before, fingerprint(), service)
		require.NotContains(t, sys.Log(service), "the journal proves less", service)
	}
}
