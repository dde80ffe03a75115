package journal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// has is reached with so many events.
func has(version int64) func(journal.Stream) bool {
	return func(s journal.Stream) bool { return s.Version >= version }
}

// waiting starts to wait, and returns once that has looked for the first time.
func waiting(t *testing.T, j *journal.Journal, version int64) <-chan bool {
	t.Helper()
	looked, answer := make(chan struct{}, 100), make(chan bool, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	go func() {
		answer <- j.Await(ctx, stream, func(s journal.Stream) bool {
			looked <- struct{}{}
			return has(version)(s)
		})
	}()
	<-looked
	return answer
}

func TestAwaitIsWokenByTheCommit(t *testing.T) {
	// given two that wait, one for more than there will be
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	appendTo(t, db, j, stream, newEvent("1", 1))
	second := waiting(t, j, 2)

	// when another stream, and then theirs, is written to
	appendTo(t, db, j, "thing-2", newEvent("2", 1))
	appendTo(t, db, j, stream, newEvent("1", 2))

	// then who waits goes on, and who comes later does not wait
	require.True(t, <-second)
	require.True(t, j.Await(t.Context(), stream, has(2)))
	ended, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.False(t, j.Await(ended, stream, has(3)))
	require.False(t, j.Await(ended, "thing-unknown", has(1)))
}

func TestAwaitIsWokenByAnotherProcessIfThisOneListens(t *testing.T) {
	// given a process that listens once, as the pusher does, and in which somebody waits
	db := pgtest.New(t, journal.Migrations)
	here, err := pg.Open(t.Context(), db.URL())
	require.NoError(t, err)
	t.Cleanup(here.Close)
	ctx, cancel := context.WithCancel(context.Background())
	listening, stopped := make(chan struct{}, 100), make(chan struct{})
	go func() {
		defer close(stopped)
		here.Listen(ctx, journal.UnpushedChannel, func() { listening <- struct{}{} })
	}()
	t.Cleanup(func() { cancel(); <-stopped })
	<-listening
	answer := waiting(t, journal.New(here, "/here", journal.Live()), 1)

	// when another process writes
	appendTo(t, db, journal.New(db, "/here", journal.Live()), stream, newEvent("1", 1))

	// then
	require.True(t, <-answer)
}

func TestTouchHasStreamsPushedOnly(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	touch := func(j *journal.Journal) {
		require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error { return j.Touch(t.Context(), tx, "thing-1", "thing-2", "thing-1") }))
	}

	touch(j)
	touch(journal.New(db, "/here")) // which has no pages

	require.Equal(t, 2, count(t, db, "unpushed"))
	require.Equal(t, 0, count(t, db, "streams"))
}

func TestAwaitAsksNothingForTheCommitsOfOthers(t *testing.T) {
	const pages, commits = 50, 1000
	for _, tp := range []string{"the same process", "another process"} {
		t.Run(tp, func(t *testing.T) {
			// given many pages that wait, each for a second event of its own stream, in a process whose queries are
			// counted
			url := pgtest.NewURL(t, journal.Migrations)
			network := pgtest.NewProxy(t, url)
			here, there := open(t, network.URL()), open(t, url)
			if tp == "the same process" {
				there = here
			}
			listenTo(t, here)
			j, writer := journal.New(here, "/here", journal.Live()), journal.New(there, "/here", journal.Live())
			mine := func(page int) string { return fmt.Sprintf("mine-%d", page) }
			answers := make(chan bool, pages)
			looked := make(chan struct{}, 10*pages)
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			for page := range pages {
				appendTo(t, there, writer, mine(page), newEvent("mine", 1))
				go func() {
					answers <- j.Await(ctx, mine(page), func(s journal.Stream) bool { looked <- struct{}{}; return s.Version >= 2 })
				}()
			}
			for range pages {
				<-looked
			}
			const begin, last = "others-begin", "others-last"
			waits := make(chan struct{}, 10)
			go func() {
				answers <- j.Await(ctx, begin, func(s journal.Stream) bool { waits <- struct{}{}; return s.Version >= 1 })
			}()
			<-waits // so that it is told of the event, and does not find it
			appendTo(t, there, writer, begin, newEvent("others", 1))
			require.True(t, <-answers) // what was told of the pages' first events has been told
			for len(looked) > 0 {
				<-looked
			}
			go func() { answers <- j.Await(ctx, last, has(1)) }()

			// when others write, of whose commits all have been told once the last one is
			before, own := network.Statements(), int64(0)
			for n := range commits {
				appendTo(t, there, writer, fmt.Sprintf("others-%d", n%20), newEvent("others", n))
			}
			appendTo(t, there, writer, last, newEvent("others", 1))
			require.True(t, <-answers)
			asked := network.Statements() - before
			if tp == "the same process" { // the writer's own, and its notifications
				one := network.Statements()
				appendTo(t, there, writer, "others-again", newEvent("others", 1))
				own = (network.Statements() - one) * (commits + 1) * 3 / 2
			}
			// then the pages have asked nothing, but for the news of their own first event where that took a while to
			// be looked into
			require.LessOrEqual(t, asked-own, int64(pages), "queries of %d pages during %d commits of others", pages, commits)
			require.LessOrEqual(t, len(looked), pages)
			for len(looked) > 0 {
				<-looked
			}

			// and each asks once for its own commit
			for page := range pages {
				appendTo(t, there, writer, mine(page), newEvent("mine", 2))
			}
			for range pages {
				require.True(t, <-answers)
			}
			require.LessOrEqual(t, len(looked), pages)
		})
	}
}

func TestAwaitSharesOneLookWhenItIsNotSaidWhatHasChanged(t *testing.T) {
	// given pages that wait
	network := pgtest.NewProxy(t, pgtest.NewURL(t, journal.Migrations))
	db := open(t, network.URL())
	j := journal.New(db, "/here", journal.Live())
	appendTo(t, db, j, stream, newEvent("1", 1))
	answers := make([]<-chan bool, 20)
	for i := range answers {
		answers[i] = waiting(t, j, 2)
	}
	// when there is news of anything, and of too much to name it
	before := network.Statements()
	db.Notify(journal.UnpushedChannel)
	appendTo(t, db, journal.New(db, "/here"), stream, newEvent("1", 2)) // which tells nobody
	for range answers {
		db.Notify(journal.UnpushedChannel)
	}
	// then all find what has changed
	for _, answer := range answers {
		require.True(t, <-answer)
	}
	// with a look for each piece of news at most, and not one for each page and piece, and one more reading for each page
	require.Less(t, network.Statements()-before, int64(3*len(answers)))
}

func open(t *testing.T, url string) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// listenTo listens as the pusher does, until the test ends.
func listenTo(t *testing.T, db *pg.DB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	listening, stopped := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(stopped)
		db.Listen(ctx, journal.UnpushedChannel, func() {
			select {
			case listening <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-stopped })
	<-listening
}
