// Package brokers is three real Apache Kafka brokers, and what breaks them. It needs Java 17 and, the first
// time, Maven, which fetches Kafka's jars.
package brokers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"countersign.example/pkg/kafka/connection"
	"countersign.example/test/faultrun/disk"
	"countersign.example/test/faultrun/program"
	"countersign.example/test/testsystem"
)

const (
	count = 3
	// own is the listener of the run itself.
	own = "own"
	// stopPatience is how long a broker may take to hand over what it leads.
	stopPatience = 30 * time.Second
)

// Kafka is three brokers that are controllers, too. What is acknowledged has two replicas.
type Kafka struct {
	dir     string
	brokers []*broker
}

type broker struct {
	id         int
	dir        string
	libs, conf string
	addresses  map[string]string // where each client finds it
	disk       bool              // dir/log is a disk of its own, which can be filled
	running    *program.Program
}

// Advertise returns at which address a client reaches a broker that listens at address.
type Advertise func(client string, broker int, address string) (string, error)

// Start starts the brokers, with their data in dir, and returns when all three have joined. Each of clients
// finds them by addresses of its own, which advertise says.
func Start(ctx context.Context, dir string, clients []string, advertise Advertise) (*Kafka, error) {
	libs, err := jars(ctx)
	if err != nil {
		return nil, err
	}
	k := &Kafka{dir: dir}
	controllers, err := program.FreeAddresses(count)
	if err != nil {
		return nil, err
	}
	for i := range count {
		b := &broker{id: i + 1, dir: filepath.Join(dir, fmt.Sprint("broker-", i+1)), libs: libs, addresses: map[string]string{}}
		b.conf = filepath.Join(b.dir, "server.properties")
		k.brokers = append(k.brokers, b)
		if err := b.configure(controllers, clients, advertise); err != nil {
			return nil, err
		}
	}
	id, err := k.brokers[0].tool(ctx, "random-uuid")
	if err != nil {
		return nil, err
	}
	var starting errgroup.Group
	for _, b := range k.brokers {
		starting.Go(func() error {
			if _, err := b.tool(ctx, "format", "-t", strings.TrimSpace(id), "-c", b.conf); err != nil {
				return err
			}
			return b.start()
		})
	}
	if err := starting.Wait(); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	for _, b := range k.brokers {
		if err := k.awaitJoined(ctx, b); err != nil {
			return nil, errors.Join(err, k.Close())
		}
	}
	return k, nil
}

// jars are Kafka's.
func jars(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(testsystem.Root(), "deploy", "kafka", "jars.sh"))
	cmd.Stderr = os.Stderr
	libs, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fetch Kafka's jars: %w", err)
	}
	return strings.TrimSpace(string(libs)), nil
}

// configure writes the settings of the broker. What they say of time has it notice within seconds what a
// broker notices within half a minute by default.
func (b *broker) configure(controllers, clients []string, advertise Advertise) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	var err error
	if b.disk, err = disk.Mount(filepath.Join(b.dir, "log"), diskSize); err != nil {
		return err
	}
	addresses, err := program.FreeAddresses(len(clients) + 2)
	if err != nil {
		return err
	}
	listeners, advertised, protocols := []string{"CONTROLLER://" + controllers[b.id-1]}, []string(nil), []string{"CONTROLLER:PLAINTEXT"}
	for i, client := range append([]string{own, "brokers"}, clients...) {
		b.addresses[client] = addresses[i]
		if i > 1 {
			if b.addresses[client], err = advertise(client, b.id, addresses[i]); err != nil {
				return err
			}
		}
		name := strings.ToUpper(strings.ReplaceAll(client, "-", "_"))
		listeners = append(listeners, name+"://"+addresses[i])
		advertised = append(advertised, name+"://"+b.addresses[client])
		protocols = append(protocols, name+":PLAINTEXT")
	}
	voters := make([]string, count)
	for i, controller := range controllers {
		voters[i] = fmt.Sprintf("%d@%s", i+1, controller)
	}
	settings := []string{
		"process.roles=broker,controller",
		fmt.Sprint("node.id=", b.id),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=BROKERS",
		"listeners=" + strings.Join(listeners, ","),
		"advertised.listeners=" + strings.Join(advertised, ","),
		"listener.security.protocol.map=" + strings.Join(protocols, ","),
		"log.dirs=" + filepath.Join(b.dir, "log"),
		"auto.create.topics.enable=false",
		"default.replication.factor=3", "min.insync.replicas=2",
		"offsets.topic.replication.factor=3", "offsets.topic.num.partitions=6",
		"group.initial.rebalance.delay.ms=0",
		"broker.session.timeout.ms=4000", "broker.heartbeat.interval.ms=500", "replica.lag.time.max.ms=5000",
		// Files are made as large as they may become, and a disk that is to be filled is small.
		"log.segment.bytes=16777216", "log.index.size.max.bytes=65536", "metadata.log.segment.bytes=8388608",
	}
	return os.WriteFile(b.conf, []byte(strings.Join(settings, "\n")+"\n"), 0o600)
}

// java is a command of Kafka's jars. Its code is compiled simply: a run is short, and shares its processors.
func (b *broker) java(ctx context.Context, args ...string) *exec.Cmd {
	log4j := filepath.Join(testsystem.Root(), "deploy", "kafka", "log4j2.properties")
	return exec.CommandContext(ctx, "java", append([]string{"-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + log4j, "-cp", filepath.Join(b.libs, "*")}, args...)...)
}

// tool runs Kafka's tool for its files, and returns what it prints.
func (b *broker) tool(ctx context.Context, args ...string) (string, error) {
	out, err := b.java(ctx, append([]string{"kafka.tools.StorageTool"}, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kafka.tools.StorageTool %s: %w\n%s", args[0], err, out)
	}
	return string(out), nil
}

func (b *broker) start() (err error) {
	// Not with a context: it lives until it is stopped.
	b.running, err = program.Start(filepath.Join(b.dir, "log.txt"), b.java(context.Background(), "kafka.Kafka", b.conf))
	return err
}

// Addresses are where a client finds the brokers.
func (k *Kafka) Addresses(client string) []string {
	list := make([]string, count)
	for i, b := range k.brokers {
		list[i] = b.addresses[client]
	}
	return list
}

// Connection is how the run itself reaches the brokers, whatever becomes of the clients' addresses.
func (k *Kafka) Connection() connection.Settings { return connection.Plaintext(k.Addresses(own)...) }

// client is one with no memory, since what it asks after has just changed. It asks the brokers that work.
func (k *Kafka) client(without *broker) *kafkago.Client {
	var addresses []string
	for _, b := range k.brokers {
		if b != without {
			addresses = append(addresses, b.addresses[own])
		}
	}
	return &kafkago.Client{Addr: kafkago.TCP(addresses...), Timeout: 10 * time.Second, Transport: &kafkago.Transport{DialTimeout: 2 * time.Second}}
}

// awaitJoined waits until the others know a broker, and it has all that they have.
func (k *Kafka) awaitJoined(ctx context.Context, b *broker) error {
	return b.running.Await(ctx, func(ctx context.Context) error {
		client := k.client(b)
		defer client.Transport.(*kafkago.Transport).CloseIdleConnections()
		answer, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
		if err != nil {
			return err
		}
		if len(answer.Brokers) != count {
			return fmt.Errorf("%d of %d brokers have joined", len(answer.Brokers), count)
		}
		for _, topic := range answer.Topics {
			for _, partition := range topic.Partitions {
				if len(partition.Isr) != len(partition.Replicas) {
					return fmt.Errorf("%s/%d: %d of %d replicas are in sync", topic.Name, partition.ID, len(partition.Isr), len(partition.Replicas))
				}
			}
		}
		return nil
	})
}

// Close stops the brokers.
func (k *Kafka) Close() (err error) {
	for _, b := range k.brokers {
		if b.running != nil {
			// What they would hand over to goes, too.
			_ = b.running.Signal(syscall.SIGCONT)
			b.running.Kill()
		}
		if b.disk {
			err = errors.Join(err, disk.Unmount(filepath.Join(b.dir, "log")))
		}
	}
	return err
}
