package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
)

// Users of Kafka that are no service. A service's user has its name.
const (
	OwnerUser  = "countersign-owner"  // migrate is run by it, and by nothing else
	ReaderUser = "countersign-reader" // for who looks: inspect, countersign, keys
)

// Right is what a user may do with topics or groups.
type Right struct {
	User  string
	Kind  kafkago.ResourceType // a topic or a group
	Names []string
	May   []kafkago.ACLOperationType
}

// Rights are all that a service needs of Kafka, for its own user and for those that are no service. To read
// and to write is to see as well.
func Rights(service string, receives, publishes []event.Topic) []Right {
	may := func(operations ...kafkago.ACLOperationType) []kafkago.ACLOperationType { return operations }
	received, published := append(Names(receives), DeadLettersTopic), append(Names(publishes), DeadLettersTopic)
	return []Right{
		{service, kafkago.ResourceTypeTopic, Names(receives), may(kafkago.ACLOperationTypeRead)},
		{service, kafkago.ResourceTypeTopic, published, may(kafkago.ACLOperationTypeWrite)},
		{service, kafkago.ResourceTypeGroup, []string{service}, may(kafkago.ACLOperationTypeRead)},
		{OwnerUser, kafkago.ResourceTypeTopic, received, may(kafkago.ACLOperationTypeCreate, kafkago.ACLOperationTypeDescribe)},
		{ReaderUser, kafkago.ResourceTypeTopic, received, may(kafkago.ACLOperationTypeRead)},
		{ReaderUser, kafkago.ResourceTypeGroup, []string{service}, may(kafkago.ACLOperationTypeDescribe)},
	}
}

// Names are those of topics.
func Names(topics []event.Topic) []string {
	list := make([]string, len(topics))
	for i, t := range topics {
		list[i] = t.Name
	}
	return list
}

// Command is how the right is given with Apache Kafka's own tool.
func (r Right) Command() string {
	var b strings.Builder
	fmt.Fprintf(&b, `kafka-acls.sh --bootstrap-server "$KAFKA_BROKERS" --command-config "$KAFKA_ADMIN" --add --allow-principal User:%s`, r.User)
	for _, operation := range r.May {
		b.WriteString(" --operation " + operation.String())
	}
	for _, name := range r.Names {
		b.WriteString(" --" + strings.ToLower(r.Kind.String()) + " " + name)
	}
	return b.String()
}

// Grant gives rights, and takes none away. Rights that are there already stay as they are.
func (c *Client) Grant(ctx context.Context, rights []Right) error {
	// It says what is wrong with a connection; what comes next does not.
	if _, err := c.metadata(ctx); err != nil {
		return err
	}
	request := &kafkago.CreateACLsRequest{}
	for _, r := range rights {
		for _, name := range r.Names {
			for _, operation := range r.May {
				request.ACLs = append(request.ACLs, kafkago.ACLEntry{ResourceType: r.Kind, ResourceName: name, ResourcePatternType: kafkago.PatternTypeLiteral,
					Principal: "User:" + r.User, Host: "*", Operation: operation, PermissionType: kafkago.ACLPermissionTypeAllow})
			}
		}
	}
	response, err := c.admin.CreateACLs(ctx, request)
	if err == nil {
		err = errors.Join(response.Errors...)
	}
	if err != nil {
		return fmt.Errorf("give rights: %w", err)
	}
	return nil
}
