package embedded

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
)

// KafkaBroker is a Kafka cluster of one broker.
type KafkaBroker struct {
	cluster *kfake.Cluster
	addr    string
}

// Kafka starts a broker on addr ("127.0.0.1:9092"; port 0 or an empty addr: a free port) that
// keeps its topics, groups and cluster id in dir, or in memory when dir is empty.
func Kafka(dir, addr string) (*KafkaBroker, error) {
	id, err := clusterID(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded kafka: %w", err)
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	// kfake takes a port and chooses the host; the listener of our own is for the host.
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("embedded kafka: %w", err)
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID(id),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }),
	}
	if dir != "" {
		options = append(options, kfake.DataDir(filepath.Join(dir, "data")))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded kafka: %w", err), listener.Close())
	}
	return &KafkaBroker{cluster: cluster, addr: listener.Addr().String()}, nil
}

// Addr is the broker's host:port.
func (k *KafkaBroker) Addr() string { return k.addr }

// Close disconnects every client and writes what is not yet on disk.
func (k *KafkaBroker) Close() { k.cluster.Close() }

// clusterID is random, for a service recognises by it that its broker is not the one it knew, and
// belongs to the data: it changes only when they are gone.
func clusterID(dir string) (string, error) {
	if dir == "" {
		return uuid.NewString(), nil
	}
	path := filepath.Join(dir, "cluster-id")
	switch id, err := os.ReadFile(path); {
	case err == nil:
		return strings.TrimSpace(string(id)), nil
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	id := uuid.NewString()
	return id, os.WriteFile(path, []byte(id+"\n"), 0o600)
}
