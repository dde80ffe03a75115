package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

const token = "0123456789abcdef"

// shelf is a service that counts boxes.
type shelf struct {
	tb  testing.TB
	db  *pg.DB
	url string
}

var errFull = errors.New("the shelf is full")

type boxes struct {
	Boxes int64  `json:"boxes"`
	Note  string `json:"note"`
}

func (b *boxes) Check() error {
	if b.Boxes < 1 {
		return errors.New("boxes must be 1 or more")
	}
	return api.Text("note", b.Note, 10)
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{tb: t, db: pgtest.New(t, api.Migrations)}
	_, err := s.db.Pool().Exec(t.Context(), "create table shelf (boxes bigint)")
	require.NoError(t, err)
	commands := &api.Commands{DB: s.db, Explain: func(err error) error {
		if errors.Is(err, errFull) {
			return &web.Error{Status: http.StatusConflict, Message: "Full.", Extra: map[string]any{"code": "full"}}
		}
		return err
	}}
	to := api.NewServer(api.Options{Tokens: api.Tokens{"manager-ui": token}, Callers: api.Callers{"manager-ui": {rights.Manager}}, Log: slog.New(slog.DiscardHandler)})
	to.POST("/shelves/:id", rights.Right{Name: "put", To: "put boxes", Roles: []rights.Role{rights.Manager}}, api.Handle(commands, s.put))
	server := httptest.NewServer(to)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *shelf) put(ctx context.Context, tx *pg.Tx, r api.Request[boxes]) (api.Answer, error) {
	switch {
	case r.ID == "broken":
		return api.Answer{}, errors.New("out of order")
	case r.ID != "one":
		return api.Answer{}, web.NotFound("There is no such shelf.")
	}
	if r.Body.Note == "alone" && s.count("select count(*) from shelf") > 0 {
		return api.Answer{}, web.Unprocessable("There are boxes.")
	}
	if _, err := tx.Exec(ctx, "insert into shelf values ($1)", r.Body.Boxes); err != nil {
		return api.Answer{}, err
	}
	if r.Body.Boxes > 100 { // found out late
		return api.Answer{}, fmt.Errorf("put: %w", errFull)
	}
	answer, err := api.Give(http.StatusCreated, map[string]any{"by": r.Actor.Name, "for": event.MetaFrom(ctx).Actor, "caller": r.Caller})
	answer.Location = "/shelves/one"
	return answer, err
}

// post answers with the status, the body and its Location.
func (s *shelf) post(path, key, body string) (int, string, string) {
	s.tb.Helper()
	request, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	require.NoError(s.tb, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.tb, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(s.tb, err)
	return response.StatusCode, string(answer), response.Header.Get("Location")
}

func (s *shelf) count(query string) (n int) {
	s.tb.Helper()
	require.NoError(s.tb, s.db.Pool().QueryRow(s.tb.Context(), query).Scan(&n))
	return n
}

const two = `{"actor":{"id":"mia","name":"Mia Weber"},"boxes":2}`

func TestACommandIsDoneOnce(t *testing.T) {
	s := newShelf(t)
	// when the same is sent by many at once, and later
	const many = 10
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			status, body, location := s.post("/shelves/one", "k1", two)
			if status != http.StatusCreated || location != "/shelves/one" {
				t.Errorf("answered %d %s, at %s", status, body, location)
			}
			var said map[string]string
			if err := json.Unmarshal([]byte(body), &said); err != nil || said["by"] != "Mia Weber" || said["for"] != "mia" || said["caller"] != "manager-ui" {
				t.Errorf("answered %s", body)
			}
		})
	}
	all.Wait()
	// then it was done once
	require.Equal(t, 2, s.count("select sum(boxes) from shelf"))
	// and another request with its key is refused
	for _, other := range []struct{ path, body string }{
		{"/shelves/one", strings.Replace(two, "2", "3", 1)}, {"/shelves/two", two},
		{"/shelves/one", strings.Replace(two, `"mia"`, `"tom"`, 1)},
	} {
		status, _, _ := s.post(other.path, "k1", other.body)
		require.Equal(t, http.StatusUnprocessableEntity, status)
	}
	// but not the same one by somebody who has another name since, however it is written
	for _, same := range []string{strings.Replace(two, "Mia Weber", "Mia Weber-Lind", 1), `{ "boxes": 2, "actor": {"name": "Mia", "id": "mia"} }`} {
		status, body, _ := s.post("/shelves/one", "k1", same)
		require.Equal(t, http.StatusCreated, status, body)
	}
	require.Equal(t, 2, s.count("select sum(boxes) from shelf"))
}

func TestWhatACommandChangedDoesNotRefuseItWhenItIsSentAgain(t *testing.T) {
	s := newShelf(t)
	alone := strings.Replace(two, `"boxes":2`, `"boxes":2,"note":"alone"`, 1)
	for range 2 {
		status, body, _ := s.post("/shelves/one", "k1", alone)
		require.Equal(t, http.StatusCreated, status, body)
	}
	status, _, _ := s.post("/shelves/one", "k2", alone)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, 2, s.count("select sum(boxes) from shelf"))
}

func TestOnlyAConflictIsKept(t *testing.T) {
	s := newShelf(t)
	full := strings.Replace(two, "2", "200", 1)
	for range 2 {
		status, body, _ := s.post("/shelves/one", "full", full)
		require.Equal(t, http.StatusConflict, status)
		require.Contains(t, body, `"code":"full"`)
		require.Contains(t, body, `"detail":"Full."`)
	}
	status, _, _ := s.post("/shelves/broken", "broken", two)
	require.Equal(t, http.StatusInternalServerError, status)
	status, _, _ = s.post("/shelves/none", "none", two)
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, 1, s.count("select count(*) from commands"))
	require.Equal(t, 0, s.count("select count(*) from shelf"))
}

func TestWhatIsTypedWrongIsTold(t *testing.T) {
	s := newShelf(t)
	for name, test := range map[string]struct {
		key, body string
		want      string
	}{
		"no key":             {"", two, "Idempotency-Key"},
		"key with a space":   {"a b", two, "Idempotency-Key"},
		"not JSON":           {"k", "boxes=2", "Send a JSON object"},
		"null":               {"k", "null", "Send a JSON object"},
		"a list":             {"k", "[]", "Send a JSON object"},
		"more behind":        {"k", two + "}", "Send a JSON object"},
		"nobody":             {"k", `{"boxes":2}`, "actor.id is missing."},
		"a strange actor":    {"k", `{"actor":{"id":"mia","age":3},"boxes":2}`, "Send the actor as"},
		"another field":      {"k", `{"actor":{"id":"mia"},"boxes":2,"colour":"red"}`, `"colour\" is not a field`},
		"capitals":           {"k", `{"Actor":{"id":"mia"},"boxes":2}`, `Actor\" is not a field`},
		"a number as text":   {"k", `{"actor":{"id":"mia"},"boxes":"2"}`, "boxes cannot be a JSON string."},
		"a fraction":         {"k", `{"actor":{"id":"mia"},"boxes":2.5}`, "boxes cannot be a JSON number 2.5."},
		"what Check refuses": {"k", `{"actor":{"id":"mia"},"boxes":0}`, "boxes must be 1 or more."},
		"too long":           {"k", `{"actor":{"id":"mia"},"boxes":1,"note":"01234567890"}`, "note must be text of 10 characters at most."},
		"NUL":                {"k", `{"actor":{"id":"mia\u0000"},"boxes":1}`, "actor.id must not contain control characters."},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, _ := s.post("/shelves/one", test.key, test.body)
			require.Equal(t, http.StatusUnprocessableEntity, status, body)
			require.Contains(t, body, strings.TrimPrefix(test.want, `"`))
		})
	}
	require.Equal(t, 0, s.count("select count(*) from commands"))
}

func TestTheClientAndTheServerAgree(t *testing.T) {
	s := newShelf(t)
	client, err := api.NewClient("shelf", "SHELF_URL", s.url, token)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	ctx := event.WithMeta(t.Context(), event.Meta{Actor: "mia", ActorName: "Mia Weber"})

	var said struct{ By string }
	require.NoError(t, client.Post(ctx, "/shelves/one", "k1", boxes{Boxes: 2}, &said))
	require.Equal(t, "Mia Weber", said.By)

	var refusal *api.Refusal
	require.ErrorAs(t, client.Post(ctx, "/shelves/one", "k2", boxes{Boxes: 200}, &said), &refusal)
	require.Equal(t, "full", refusal.Code)
	require.Equal(t, "Full.", refusal.Error())
	require.ErrorAs(t, client.Post(ctx, "/shelves/one", "k3", boxes{}, &said), &refusal)
	require.Equal(t, http.StatusUnprocessableEntity, refusal.Status)
}

func TestTokens(t *testing.T) {
	var tokens api.Tokens
	require.NoError(t, tokens.UnmarshalText([]byte("manager-ui="+token+"|another-of-16-chars, seed=fedcba9876543210")))
	require.Equal(t, "manager-ui,seed", tokens.String())
	for _, bad := range []string{"manager-ui", "=" + token, "a=short", "a=" + token + ",a=" + token, "a=" + token + "|", "a=" + token + "|" + token + "|" + token,
		"a=" + token + ",b=fedcba9876543210|" + token} {
		err := tokens.UnmarshalText([]byte(bad))
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), token)
	}
}
