package sandbox

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// Limits of a request.
const (
	maxBody        = 64 << 10 // bytes
	maxKey         = 255      // characters, as are the next two
	maxPaymentID   = 255
	maxDescription = 2000
	maxPage        = 1000 // records
)

// Options are how the gateway behaves. Zero durations stand for the defaults.
type Options struct {
	Token        string
	HoldDuration time.Duration    // how long a hold lasts; 168 h
	SlowDelay    time.Duration    // how late a slow answer is; 3 s
	KeyLife      time.Duration    // how long a key is known after its answer; 24 h
	HangLimit    time.Duration    // how long a connection without an answer is kept at most; 30 s
	Now          func() time.Time // the clock; time.Now
}

// Server is the gateway as an http.Handler, with its ledger in db.
type Server struct {
	db       *pg.DB
	log      *slog.Logger
	options  Options
	mux      *http.ServeMux
	stopOnce sync.Once
	stopping chan struct{}
}

// New returns the gateway. The database has the tables of [Migrations].
func New(db *pg.DB, log *slog.Logger, options Options) *Server {
	setDefault(&options.HoldDuration, 168*time.Hour)
	setDefault(&options.SlowDelay, 3*time.Second)
	setDefault(&options.KeyLife, 24*time.Hour)
	setDefault(&options.HangLimit, 30*time.Second)
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Server{db: db, log: log, options: options, mux: http.NewServeMux(), stopping: make(chan struct{})}
	s.mux.HandleFunc("POST /authorizations", s.handle(authorize))
	for _, k := range []gateway.Kind{capture, release, refund} {
		s.mux.HandleFunc("POST /authorizations/{reference}/"+string(k), s.handle(k))
	}
	s.mux.HandleFunc("GET /records", s.records)
	return s
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Stop closes the connections that get no answer and sends the slow answers, so that a shutdown need not wait
// for them.
func (s *Server) Stop() { s.stopOnce.Do(func() { close(s.stopping) }) }

// now is to the microsecond, as PostgreSQL keeps it.
func (s *Server) now() time.Time { return s.options.Now().UTC().Truncate(time.Microsecond) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.authorized(r.Header.Get("Authorization")) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "unauthorized", "The bearer token is missing or wrong")
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) authorized(header string) bool {
	token, found := strings.CutPrefix(header, "Bearer ")
	// Hashed, so that the comparison does not tell the length either.
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.options.Token))
	return found && s.options.Token != "" && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

func (s *Server) handle(k gateway.Kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, reason := readRequest(w, r, k)
		if reason != "" {
			problem(w, http.StatusBadRequest, "malformed", reason)
			return
		}
		// Once begun it is done, also when the client has gone.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.options.HangLimit)
		defer cancel()
		out, err := s.process(ctx, o)
		switch {
		case errors.Is(err, errKeyReused):
			problem(w, http.StatusUnprocessableEntity, "key_reused", "The idempotency key belongs to another request")
		case errors.Is(err, errNoHold):
			problem(w, http.StatusNotFound, "not_found", "There is no hold of that reference")
		case err != nil:
			s.log.ErrorContext(ctx, "order failed", "kind", k, "key", o.Key, "error", err)
			problem(w, http.StatusServiceUnavailable, "unavailable", "Ask again later")
		default:
			s.reply(w, r, out)
		}
	}
}

// reply sends the answer, or behaves as its fault demands.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, out outcome) {
	switch out.fault {
	case none:
		sendJSON(w, out.answer)
	case slow:
		s.wait(r.Context(), s.options.SlowDelay)
		sendJSON(w, out.answer)
	case serverError:
		problem(w, http.StatusInternalServerError, "internal", "Something went wrong")
	case notFound:
		problem(w, http.StatusNotFound, "not_found", "There is nothing here")
	case nonsense:
		sendJSON(w, []byte("<html>upstream request timeout</html>"))
	case silence:
		s.wait(r.Context(), s.options.HangLimit)
		panic(http.ErrAbortHandler)
	case dropped:
		panic(http.ErrAbortHandler)
	}
}

// wait returns early if the client has gone or the server stops.
func (s *Server) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.stopping:
	}
}

// readRequest returns the request, or why it is malformed.
func readRequest(w http.ResponseWriter, r *http.Request, k gateway.Kind) (o request, reason string) {
	var body struct {
		PaymentID   string       `json:"payment_id"`
		Amount      money.Amount `json:"amount"`
		Description string       `json:"description"`
	}
	// Read to its end: only then does the server notice a client that goes away.
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return request{}, "The body cannot be read, or is too long"
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return request{}, "The body is not the JSON that is expected"
	}
	o = request{
		Key: r.Header.Get("Idempotency-Key"), Kind: k, Reference: r.PathValue("reference"),
		PaymentID: body.PaymentID, Amount: body.Amount, Description: body.Description,
	}
	switch {
	case !fits(o.Key, 1, maxKey):
		return request{}, "The header Idempotency-Key is needed, with 1 to 255 characters"
	case o.Amount.Minor <= 0:
		return request{}, "The amount must be more than zero"
	case k == authorize && !fits(o.PaymentID, 1, maxPaymentID):
		return request{}, "A payment_id of 1 to 255 characters is needed"
	case k != authorize && o.PaymentID != "":
		return request{}, "The payment is known from the hold"
	case !fits(o.Description, 0, maxDescription):
		return request{}, "The description has at most 2,000 characters"
	case !fits(o.Reference, 0, maxKey):
		return request{}, "There are no such references"
	}
	return o, ""
}

// fits also refuses what PostgreSQL cannot store.
func fits(text string, least, most int) bool {
	n := utf8.RuneCountInString(text)
	return n >= least && n <= most && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

func (s *Server) records(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit := maxPage
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			problem(w, http.StatusBadRequest, "malformed", "The limit is a number from 1 to 1000")
			return
		}
		limit = n
	}
	payment, after := query.Get("payment"), query.Get("after")
	if !fits(payment, 0, maxPaymentID) || !fits(after, 0, maxKey) {
		problem(w, http.StatusBadRequest, "malformed", "There are no such keys or payments")
		return
	}
	answers, err := s.answers(r.Context(), payment, after, limit)
	if err != nil {
		if r.Context().Err() == nil {
			s.log.ErrorContext(r.Context(), "list of records failed", "error", err)
		}
		problem(w, http.StatusServiceUnavailable, "unavailable", "Ask again later")
		return
	}
	text, err := json.Marshal(map[string]any{"records": answers})
	if err != nil {
		s.log.ErrorContext(r.Context(), "list of records failed", "error", err)
		problem(w, http.StatusInternalServerError, "internal", "The records cannot be written")
		return
	}
	sendJSON(w, text)
}

func sendJSON(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text)
}

// problem answers with a problem of RFC 9457.
func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}{http.StatusText(status), status, code, detail})
}
