package faults

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/test/testsystem"
)

// securedKafka is a real Apache Kafka that denies what is not allowed.
type securedKafka struct {
	addr, mtls string
	secrets    string // the folder
}

// startSecured takes some seconds, and Java.
func startSecured(t *testing.T) *securedKafka {
	t.Helper()
	if os.Getenv("TEST_SECURED_KAFKA") == "" {
		t.Skip("TEST_SECURED_KAFKA is not set: it starts a real Apache Kafka, which needs Java and Maven")
	}
	data := t.TempDir()
	k := &securedKafka{addr: freePort(t), mtls: freePort(t), secrets: filepath.Join(data, "secrets")}
	port := func(addr string) string { _, p, _ := net.SplitHostPort(addr); return p }
	log, err := os.Create(filepath.Join(data, "log.txt"))
	require.NoError(t, err)
	cmd := exec.Command("../../deploy/kafka/run.sh")
	cmd.Env = append(os.Environ(), "KAFKA_SECURED=yes", "KAFKA_DATA="+data, "KAFKA_PORT="+port(k.addr), "KAFKA_MTLS_PORT="+port(k.mtls),
		"KAFKA_CONTROLLER_PORT="+port(freePort(t)))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if said, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("---- Kafka ----\n%s", said)
		}
	})
	testsystem.Eventually(t, "Kafka answers", func() error {
		select {
		case <-ended:
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("Kafka ended:\n%s", said)
		default:
		}
		client := kafka.Open("test", k.as("admin"))
		defer client.Close()
		_, err := client.ClusterID(t.Context())
		return err
	})
	return k
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// alias is a broker under an address that its certificate does not have.
func alias(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", addr)
			if err != nil {
				_ = from.Close()
				continue
			}
			go func() { _, _ = io.Copy(to, from); _ = to.Close() }()
			go func() { _, _ = io.Copy(from, to); _ = from.Close() }()
		}
	}()
	return l.Addr().String()
}

func (k *securedKafka) secret(name string) string { return filepath.Join(k.secrets, name) }

// as is how a user signs in.
func (k *securedKafka) as(user string) connection.Settings {
	return connection.Settings{KafkaBrokers: []string{k.addr}, KafkaTLS: true, KafkaCAFile: k.secret("ca.pem"),
		KafkaSASL: connection.ScramSHA512, KafkaUsername: user, KafkaPasswordFile: k.secret(user + ".password")}
}

func (k *securedKafka) byPlain(user string) connection.Settings {
	s := k.as(user)
	s.KafkaSASL = connection.Plain
	return s
}

func (k *securedKafka) byCertificate(user string) connection.Settings {
	return connection.Settings{KafkaBrokers: []string{k.mtls}, KafkaTLS: true, KafkaCAFile: k.secret("ca.pem"),
		KafkaCertFile: k.secret(user + ".pem"), KafkaKeyFile: k.secret(user + ".key")}
}

// client asks what pkg/kafka has no need to.
func client(t *testing.T, s connection.Settings) *kafkago.Client {
	t.Helper()
	transport := &kafkago.Transport{Dial: s.NewDialer("test", 5*time.Second).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(s.KafkaBrokers...), Timeout: 10 * time.Second, Transport: transport}
}

// allow gives all users their rights, as an operator does.
func (k *securedKafka) allow(t *testing.T) {
	t.Helper()
	k.run(t, k.as("admin"), []string{"BIN=" + testsystem.Programs(t)}, "deploy/kafka/acls.sh", "--apply")
}

// deny takes a right away.
func (k *securedKafka) deny(t *testing.T, user string, kind kafkago.ResourceType, name string, operation kafkago.ACLOperationType) {
	t.Helper()
	answer, err := client(t, k.as("admin")).DeleteACLs(t.Context(), &kafkago.DeleteACLsRequest{Filters: []kafkago.DeleteACLsFilter{{
		ResourceTypeFilter: kind, ResourceNameFilter: name, ResourcePatternTypeFilter: kafkago.PatternTypeLiteral,
		PrincipalFilter: "User:" + user, Operation: operation, PermissionType: kafkago.ACLPermissionTypeAllow,
	}}})
	require.NoError(t, err)
	require.NoError(t, answer.Results[0].Error)
	require.Len(t, answer.Results[0].MatchingACLs, 1)
}

// run runs a program of the repository with a user's settings, and returns what it has printed.
func (k *securedKafka) run(t *testing.T, as connection.Settings, env []string, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	if filepath.Ext(program) == ".sh" {
		cmd = exec.CommandContext(ctx, filepath.Join("../..", program), args...)
	}
	cmd.Env = append(append(os.Environ(), testsystem.KafkaEnvironment(as)...), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", program, args, out)
	return string(out)
}

// goRun is run for a program that is not built beforehand.
func (k *securedKafka) goRun(t *testing.T, user string, env []string, program string, args ...string) string {
	t.Helper()
	return k.run(t, k.as(user), env, "go", append([]string{"run", "countersign.example/deploy/" + program}, args...)...)
}

// refusal is what a service says that may not do something with a topic.
func refusal(operation kafkago.ACLOperationType, topic string) string {
	return fmt.Sprintf("Kafka does not allow %s on the topic %s", operation, topic)
}
