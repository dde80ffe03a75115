package operator

import (
	"fmt"

	"github.com/spf13/cobra"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/service"
)

// ACLsCommand is `acls` of a service. It reads nothing of the service's configuration but how to reach Kafka.
func ACLsCommand(rights []kafka.Right) *cobra.Command {
	var apply bool
	command := &cobra.Command{
		Use:   "acls",
		Short: "Print what this service may do in Kafka, as commands of Kafka's kafka-acls.sh; with --apply, allow it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if apply {
				var settings connection.Settings
				if err := service.Parse(&settings); err != nil {
					return err
				}
				client := kafka.Open("acls", settings)
				defer client.Close()
				return client.Grant(cmd.Context(), rights)
			}
			for _, r := range rights {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), r.Command()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	command.Flags().BoolVar(&apply, "apply", false, "allow it, as the user of KAFKA_USERNAME or of KAFKA_CERT_FILE, who may alter rights; what is allowed besides stays so")
	return command
}
