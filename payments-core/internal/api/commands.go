package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

const (
	headerKey = "Idempotency-Key"
	maxKey    = 200 // characters
)

// commandJSON is the body of a command.
type commandJSON struct {
	Actor struct {
		ID   string `json:"id"`   // required
		Name string `json:"name"` // as people are shown who it was
	} `json:"actor"`
	Reason string `json:"reason"` // of a release
}

// answer is what a command was answered, as it is kept.
type answer struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body,omitempty"` // of a 202
	Detail string          `json:"detail,omitempty"`
	Extra  map[string]any  `json:"extra,omitempty"`
}

func (a *API) command(kind payment.Operation) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := paymentID(c)
		if err != nil {
			return err
		}
		key := c.Request().Header.Get(headerKey)
		if !isKey(key) {
			return web.Unprocessable(fmt.Sprintf("Send a header %s of 1 to %d printable characters without spaces.", headerKey, maxKey))
		}
		raw, command, err := readCommand(c.Request())
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		meta := event.MetaFrom(ctx)
		meta.Actor, meta.ActorName = command.Actor.ID, command.Actor.Name
		ctx = event.WithMeta(ctx, meta)

		caller, _ := c.Get(callerKey).(string)
		request := kept{caller: caller, key: key, fingerprint: fingerprint(c.Request(), raw)}
		given, err := a.once(ctx, request, func(tx *pg.Tx) (answer, error) {
			o, err := a.desk.Command(ctx, tx, id, kind, command.Reason)
			if err != nil {
				return refused(err)
			}
			body, err := json.Marshal(map[string]any{"payment_id": id, "operation": showOperation(o)})
			return answer{Status: http.StatusAccepted, Body: body}, err
		})
		if err != nil {
			return answerable(err)
		}
		if given.Status != http.StatusAccepted {
			return &web.Error{Status: given.Status, Message: given.Detail, Extra: given.Extra}
		}
		c.Response().Header().Set(echo.HeaderLocation, "/payments/"+id)
		return c.JSONBlob(http.StatusAccepted, given.Body)
	}
}

// refused makes a conflict an answer to keep; every other error stays one, and nothing is kept.
func refused(err error) (answer, error) {
	var conflict *web.Error
	if errors.As(answerable(err), &conflict) && conflict.Status == http.StatusConflict {
		return answer{Status: conflict.Status, Detail: conflict.Message, Extra: conflict.Extra}, nil
	}
	return answer{}, err
}

// kept names a command.
type kept struct {
	caller, key string
	fingerprint []byte
}

// once runs do and keeps its answer, in one transaction, or returns the answer that is kept. A second
// request with the key waits for the first one's transaction.
func (a *API) once(ctx context.Context, k kept, do func(tx *pg.Tx) (answer, error)) (given answer, err error) {
	err = a.db.InTx(ctx, func(tx *pg.Tx) error {
		tag, err := tx.Exec(ctx, `insert into commands (caller, key, fingerprint) values ($1, $2, $3)
			on conflict (caller, key) do nothing`, k.caller, k.key, k.fingerprint)
		if err != nil {
			return fmt.Errorf("keep the command: %w", err)
		}
		if tag.RowsAffected() == 0 {
			given, err = recall(ctx, tx, k)
			return err
		}
		if given, err = do(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "update commands set status = $3, answer = $4 where caller = $1 and key = $2",
			k.caller, k.key, given.Status, given); err != nil {
			return fmt.Errorf("keep the answer: %w", err)
		}
		return nil
	})
	return given, err
}

func recall(ctx context.Context, tx *pg.Tx, k kept) (given answer, err error) {
	var known []byte
	err = tx.QueryRow(ctx, "select fingerprint, answer from commands where caller = $1 and key = $2", k.caller, k.key).
		Scan(&known, &given)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return given, web.Unavailable("Please try again.", err)
	case err != nil:
		return given, fmt.Errorf("recall the command: %w", err)
	case !bytes.Equal(known, k.fingerprint):
		return given, web.Unprocessable("This " + headerKey + " was used for another request.")
	}
	return given, nil
}

func fingerprint(r *http.Request, body []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", r.Method, r.URL.Path)
	h.Write(body)
	return h.Sum(nil)
}

func isKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	return !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// readCommand reads the body strictly and checks what it says.
func readCommand(r *http.Request) ([]byte, commandJSON, error) {
	var command commandJSON
	if media, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); media != echo.MIMEApplicationJSON {
		return nil, command, &web.Error{Status: http.StatusUnsupportedMediaType, Message: "Send application/json."}
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, command, err // too large
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&command)
	// More is for inside of arrays and objects, and takes a trailing "}" for an end.
	if _, after := decoder.Token(); err != nil || !errors.Is(after, io.EOF) {
		return nil, command, web.Unprocessable(`Send a JSON object such as {"actor":{"id":"mia","name":"Mia Weber"}}.`)
	}
	command.Reason = strings.TrimSpace(command.Reason)
	for _, text := range []struct {
		name, value string
		most        int
	}{
		{"actor.id", command.Actor.ID, payment.MaxReference},
		{"actor.name", command.Actor.Name, payment.MaxReference},
		{"reason", command.Reason, payment.MaxText},
	} {
		if err := checkText(text.name, text.value, text.most); err != nil {
			return nil, command, err
		}
	}
	if strings.TrimSpace(command.Actor.ID) == "" {
		return nil, command, web.Unprocessable("actor.id is missing.")
	}
	return raw, command, nil
}

// checkText refuses what no event can carry.
func checkText(name, value string, most int) error {
	if !utf8.ValidString(value) || utf8.RuneCountInString(value) > most {
		return web.Unprocessable(fmt.Sprintf("%s must be text of %d characters at most.", name, most))
	}
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return web.Unprocessable(name + " must not contain control characters.")
	}
	return nil
}
