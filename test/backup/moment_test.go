package backup

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign.example/test/testsystem"
)

// configure adds to the server's settings.
func (s server) configure(text string) {
	s.t.Helper()
	file, err := os.OpenFile(filepath.Join(s.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(s.t, err)
	_, err = file.WriteString(text)
	require.NoError(s.t, errors.Join(err, file.Close()))
}

// archiving is a server that keeps its log by the settings in pitr.conf, and a copy of it, with a table.
func archiving(t *testing.T, table string) (here, there server, conf string) {
	t.Helper()
	bin := tools(t)
	content, err := os.ReadFile("../../deploy/backup/pitr.conf")
	require.NoError(t, err)
	here, there = newServer(t, bin), unmade(t, bin)
	kept := filepath.Join(filepath.Dir(here.data), "wal")
	conf = strings.ReplaceAll(string(content), "/var/lib/countersign/wal", kept)
	here.run("/bin/mkdir", kept)
	here.configure(conf)
	here.run("pg_ctl", "--pgdata="+here.data, "--mode=fast", "--wait", "restart")
	here.exec("create table written (" + table + ")")
	here.run("pg_basebackup", "--host=127.0.0.1", "--port="+here.port, "--username=postgres", "--checkpoint=fast", "--pgdata="+there.data)
	return here, there, conf
}

// recover starts a copy with the settings for recovery in conf.
func (s server) recover(conf string) {
	s.t.Helper()
	s.configure(strings.Replace(conf, "archive_mode = on", "archive_mode = off", 1))
	s.run("/bin/touch", filepath.Join(s.data, "recovery.signal"))
	s.start()
	s.await("it is promoted", "select not pg_is_in_recovery()")
}

// await waits until a query says true: for a piece of the log it may take two minutes.
func (s server) await(what, query string) {
	s.t.Helper()
	for patience := time.Now().Add(3 * time.Minute); s.exec(query) != "t"; {
		if time.Now().After(patience) {
			s.t.Fatalf("never: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// What is lost with a server's disk, measured: what was written since the last piece of the log was kept.
// TEST_ARCHIVE_TIMEOUT=60s measures it with the settings as they are.
func TestWhatIsLostWithTheDiskIsWhatWasWrittenLast(t *testing.T) {
	t.Parallel()
	// Given a server that somebody writes to all the while.
	timeout := cmp.Or(os.Getenv("TEST_ARCHIVE_TIMEOUT"), "1s")
	here, there, conf := archiving(t, "n bigserial, at timestamptz default clock_timestamp()")
	here.exec("alter system set archive_timeout = '"+timeout+"'", "select pg_reload_conf()")
	conn, err := pgx.Connect(t.Context(), here.database("postgres"))
	require.NoError(t, err)
	type commit struct {
		n  int64
		at time.Time
	}
	last := make(chan commit, 1)
	go func() {
		var c, next commit
		// Slowly: where much is written, a piece of the log is full, and kept, long before the time.
		const write = "with one as (insert into written default values returning n, at) select n, at, pg_sleep(0.01)::text from one"
		for conn.QueryRow(t.Context(), write).Scan(&next.n, &next.at, nil) == nil {
			c = next
		}
		last <- c
	}()
	here.await("much is written", "select count(*) > 100 from written")
	kept, err := strconv.ParseInt(here.exec("select max(n) from written"), 10, 64)
	require.NoError(t, err)
	here.await("that is kept", "select last_archived_wal >= '"+here.exec("select pg_walfile_name(pg_current_wal_lsn())")+"' from pg_stat_archiver")
	here.await("it is nearly time for another one", "select clock_timestamp() - last_archived_time > 0.8 * interval '"+timeout+"' from pg_stat_archiver")
	// When its disk is lost, and the copy goes on to the last piece that was kept.
	here.run("pg_ctl", "--pgdata="+here.data, "--mode=immediate", "stop")
	c := <-last
	restored := time.Now()
	there.recover(regexp.MustCompile(`(?m)^# (restore_command = )`).ReplaceAllString(conf, "$1"))
	// Then it has all that was written up to some moment: that of a piece.
	require.Equal(t, "t", there.exec("select count(*) = max(n) from written"))
	n, err := strconv.ParseInt(there.exec("select max(n) from written"), 10, 64)
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, kept)
	require.LessOrEqual(t, n, c.n)
	var at time.Time
	found, err := pgx.Connect(t.Context(), there.database("postgres"))
	require.NoError(t, err)
	require.NoError(t, found.QueryRow(t.Context(), "select max(at) from written").Scan(&at))
	require.NoError(t, found.Close(t.Context()))
	t.Logf("archive_timeout %s: %d of %d commits are lost, those of the last %s; restored in %s", timeout, c.n-n, c.n,
		c.at.Sub(at).Round(time.Millisecond), time.Since(restored).Round(100*time.Millisecond))
}

// The settings by which a server can be restored to a moment, tried.
func TestAServerIsRestoredToAMoment(t *testing.T) {
	t.Parallel()
	// Given a copy of the server, and what was written afterwards, of which the last is not wanted.
	here, there, conf := archiving(t, "what text")
	moment := here.exec("insert into written values ('wanted')", "select clock_timestamp()")
	here.exec("insert into written values ('unwanted')", "select pg_switch_wal()")
	testsystem.Eventually(t, "the log is kept", func() error {
		if n := here.exec("select count(*) from pg_stat_archiver where last_archived_time > '" + moment + "'"); n != "1" {
			return errors.New("not yet")
		}
		return nil
	})

	// When it is restored to the moment before that.
	recovery := regexp.MustCompile(`(?m)^# ((restore_command|recovery_target_time|recovery_target_action) = )`).ReplaceAllString(conf, "$1")
	recovery = strings.Replace(recovery, "2026-12-01 03:00:00+00", moment, 1)
	require.Contains(t, recovery, moment)
	there.recover(recovery)

	// Then it has what was wanted, and no more.
	require.Equal(t, "wanted", there.exec("select string_agg(what, ', ') from written"))
}
