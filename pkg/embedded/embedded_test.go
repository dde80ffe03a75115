package embedded_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"countersign.example/pkg/embedded"
)

func TestMain(m *testing.M) {
	embedded.PostgresKeeper()
	os.Exit(m.Run())
}

func TestKafkaKeepsTopicsMessagesAndIdentity(t *testing.T) {
	// given a broker on disk with one message
	dir := t.TempDir()
	broker, err := embedded.Kafka(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	client := &kafka.Client{Addr: kafka.TCP(broker.Addr()), Timeout: 10 * time.Second}
	created, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "payments", NumPartitions: 6, ReplicationFactor: 1}},
	})
	if err != nil || created.Errors["payments"] != nil {
		t.Fatal(err, created)
	}
	writer := &kafka.Writer{Addr: client.Addr, Topic: "payments", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	if err := writer.WriteMessages(t.Context(), kafka.Message{Key: []byte("k"), Value: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	before := metadata(t, broker)

	// when it stops and starts again
	broker.Close()
	broker, err = embedded.Kafka(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()

	// then it is the same cluster, with the message
	after := metadata(t, broker)
	if after.ClusterID != before.ClusterID || after.ClusterID == "" {
		t.Errorf("cluster id %q became %q", before.ClusterID, after.ClusterID)
	}
	var messages int64
	for partition := range 6 {
		conn, err := kafka.DialLeader(t.Context(), "tcp", broker.Addr(), "payments", partition)
		if err != nil {
			t.Fatal(err)
		}
		last, err := conn.ReadLastOffset()
		if err != nil {
			t.Fatal(err)
		}
		messages += last
		_ = conn.Close()
	}
	if messages != 1 {
		t.Errorf("%d messages, want 1", messages)
	}
}

func TestKafkaCreatesNoTopicByItself(t *testing.T) {
	broker, err := embedded.Kafka("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()

	writer := &kafka.Writer{Addr: kafka.TCP(broker.Addr()), Topic: "never-made", MaxAttempts: 1, BatchTimeout: time.Millisecond, AllowAutoTopicCreation: true}
	defer writer.Close()
	if err := writer.WriteMessages(t.Context(), kafka.Message{Value: []byte("x")}); err == nil {
		t.Error("a message was taken for a topic that nobody created")
	}
}

func metadata(t *testing.T, broker *embedded.KafkaBroker) *kafka.MetadataResponse {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(broker.Addr()), Timeout: 10 * time.Second}
	answer, err := client.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestRedisComesBackAtItsAddress(t *testing.T) {
	server, err := embedded.Redis("")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: "live", Values: []string{"a", "b"}}).Err(); err != nil {
		t.Fatal(err)
	}

	server.Close()
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}

	if n, err := client.XLen(t.Context(), "live").Result(); err != nil || n != 1 {
		t.Errorf("%d entries, %v; want 1", n, err)
	}
	// And a command that waits for data is answered when they come.
	waited := make(chan error, 1)
	go func() {
		waited <- client.XRead(t.Context(), &redis.XReadArgs{Streams: []string{"next", "0"}, Block: 10 * time.Second}).Err()
	}()
	if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: "next", Values: []string{"a", "b"}}).Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Errorf("XREAD BLOCK: %v", err)
	}
}

// postgresConfig is a server with files where its user reaches them; t.TempDir is private to root.
func postgresConfig(t *testing.T) embedded.PostgresConfig {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a PostgreSQL")
	}
	dir, err := os.MkdirTemp("", "countersign-embedded-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return embedded.PostgresConfig{
		Dir: filepath.Join(dir, "pg"), CacheDir: embedded.DefaultCacheDir(), Port: freePort(t), Password: "secret",
		Settings: map[string]string{"max_connections": "37"},
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestPostgresKeepsItsDataAndSurvivesAKilledKeeper(t *testing.T) {
	cfg := postgresConfig(t)
	start := func() *embedded.PostgresServer {
		t.Helper()
		server, err := embedded.Postgres(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return server
	}
	query := func(sql string) (answer string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), cfg.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return answer
	}

	// given a server with a row in it
	first := start()
	if got := query(`show max_connections`); got != "37" {
		t.Errorf("max_connections = %s", got)
	}
	conn, err := pgx.Connect(t.Context(), cfg.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `create table kept as select 'kept' as word`); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())

	// when its keeper is killed, which leaves the server an orphan, then the next start takes over
	if err := syscall.Kill(first.KeeperPID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Ended()
	second := start()
	if got := query(`select word from kept`); got != "kept" {
		t.Errorf("after a kill: %q", got)
	}

	// and after an orderly stop nothing listens, and a third start has the data
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Port))); err == nil {
		_ = c.Close()
		t.Error("something still listens after Close")
	}
	third := start()
	defer third.Close()
	if got := query(`select word from kept`); got != "kept" {
		t.Errorf("after a stop: %q", got)
	}
}

func TestPostgresSaysWhenItsPortIsTaken(t *testing.T) {
	cfg := postgresConfig(t)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Port)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if server, err := embedded.Postgres(t.Context(), cfg); err == nil {
		_ = server.Close()
		t.Fatal("started on a port that is taken")
	}
}
