package connection

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mechanism reads the password.
func (s Settings) mechanism() (sasl.Mechanism, error) {
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	if s.KafkaSASL == Plain {
		return plain.Mechanism{Username: s.KafkaUsername, Password: password}, nil
	}
	mechanism, err := scram.Mechanism(scram.SHA512, s.KafkaUsername, password)
	if err != nil {
		// Not the library's words, which could repeat the password.
		return nil, errors.New("KAFKA_USERNAME or KAFKA_PASSWORD holds characters that SCRAM does not allow")
	}
	return mechanism, nil
}

// signIn makes the connection one of the user's. kafka-go can do so as well, but without a deadline, in two
// ways, and with "SASL Authentication failed" for all that may be wrong.
func (d *Dialer) signIn(ctx context.Context, conn net.Conn, addr string) error {
	mechanism, err := d.settings.mechanism()
	if err != nil {
		return &Error{Broker: addr, Hint: "there is no password to sign in with", Err: err}
	}
	greeting := kmsg.NewPtrSASLHandshakeRequest()
	greeting.Version, greeting.Mechanism = 1, mechanism.Name()
	answer, err := Ask(conn, d.client, greeting)
	if err != nil {
		return fmt.Errorf("sign in at Kafka at %s by KAFKA_SASL=%s: %w", addr, d.settings.KafkaSASL, err)
	}
	if err := d.agreed(answer.(*kmsg.SASLHandshakeResponse), mechanism.Name(), addr); err != nil {
		return err
	}
	session, state, err := mechanism.Start(ctx)
	for done := false; err == nil && !done; {
		request := kmsg.NewPtrSASLAuthenticateRequest()
		request.Version, request.SASLAuthBytes = 1, state
		var response kmsg.Response
		if response, err = Ask(conn, d.client, request); err != nil {
			return fmt.Errorf("sign in at Kafka at %s as %q; a broker that only closes the connection may not accept KAFKA_PASSWORD, or not by KAFKA_SASL=%s: %w",
				addr, d.settings.KafkaUsername, d.settings.KafkaSASL, err)
		}
		said := response.(*kmsg.SASLAuthenticateResponse)
		if said.ErrorCode != 0 {
			return &Error{Broker: addr, Hint: fmt.Sprintf("it does not know %q by this password: look at KAFKA_USERNAME and KAFKA_PASSWORD, or add the user to Kafka",
				d.settings.KafkaUsername), Err: errors.New(deref(said.ErrorMessage, "SASL authentication failed"))}
		}
		done, state, err = session.Next(ctx, said.SASLAuthBytes)
	}
	if err != nil {
		return &Error{Broker: addr, Hint: "it has not proved that it knows the password: it may not be the broker that it says to be", Err: err}
	}
	return nil
}

func (d *Dialer) agreed(answer *kmsg.SASLHandshakeResponse, mechanism, addr string) error {
	switch code := kafkago.Error(answer.ErrorCode); code {
	case 0:
		return nil
	case kafkago.UnsupportedSASLMechanism:
		slices.Sort(answer.SupportedMechanisms)
		return &Error{Broker: addr, Hint: fmt.Sprintf("it does not sign in by %s, but by %s: look at KAFKA_SASL",
			mechanism, strings.ToLower(strings.Join(answer.SupportedMechanisms, ", ")))}
	default:
		return &Error{Broker: addr, Hint: "nobody signs in at this port: use that of a listener with SASL_SSL, or leave KAFKA_SASL empty", Err: code}
	}
}

func deref(text *string, otherwise string) string {
	if text == nil {
		return otherwise
	}
	return *text
}
