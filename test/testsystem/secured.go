package testsystem

import (
	"strconv"
	"strings"
	"testing"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service/servicetest"
)

// NewSecured is New on a Kafka with users. as says how each of them connects: each service, who migrates, and
// "admin", who may do everything.
func NewSecured(tb testing.TB, as func(user string) connection.Settings) *System {
	tb.Helper()
	admin := as("admin")
	s := newSystem(tb, Programs(tb), false, nil, Own{Kafka: &admin})
	for _, name := range services {
		s.use(name, pgtest.NewURL(tb))
	}
	s.Restrict()
	for _, name := range services {
		s.admin[name] = servicetest.FreeAddr(tb)
		s.SetKafkaUser(name, as(kafka.OwnerUser))
		s.Run(name, "migrate")
		s.SetKafkaUser(name, as(name))
		s.env[name] = append(s.env[name], "ADMIN_ADDR="+s.admin[name])
	}
	s.startAll()
	return s
}

// AdminURL is the address of a service's listener for operators, after NewSecured.
func (s *System) AdminURL(name string) string { return "http://" + s.admin[name] }

// SetKafkaUser has a service connect in this way from its next start on, and its commands from now on.
func (s *System) SetKafkaUser(name string, as connection.Settings) {
	if name != Gateway {
		s.env[name] = append(s.env[name], KafkaEnvironment(as)...)
	}
}

// KafkaEnvironment are the settings as variables of a program.
func KafkaEnvironment(s connection.Settings) []string {
	return []string{"KAFKA_BROKERS=" + strings.Join(s.KafkaBrokers, ","), "KAFKA_TLS=" + strconv.FormatBool(s.KafkaTLS), "KAFKA_CA_FILE=" + s.KafkaCAFile,
		"KAFKA_CERT_FILE=" + s.KafkaCertFile, "KAFKA_KEY_FILE=" + s.KafkaKeyFile, "KAFKA_SASL=" + string(s.KafkaSASL),
		"KAFKA_USERNAME=" + s.KafkaUsername, "KAFKA_PASSWORD=" + s.KafkaPassword, "KAFKA_PASSWORD_FILE=" + s.KafkaPasswordFile}
}
