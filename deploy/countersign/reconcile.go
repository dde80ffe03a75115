package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"countersign.example/deploy/reconcile"
	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/service"
)

// reconcileConfig is where reconcile looks.
type reconcileConfig struct {
	connection.Settings
	ContractorUI string `env:"DATABASE_URL_CONTRACTOR_UI,required,notEmpty" secret:"true" desc:"the database of contractor-ui; a role that may read all tables is enough, here and below"`
	ManagerUI    string `env:"DATABASE_URL_MANAGER_UI,required,notEmpty" secret:"true" desc:"the database of manager-ui"`
	PaymentsCore string `env:"DATABASE_URL_PAYMENTS_CORE,required,notEmpty" secret:"true" desc:"the database of payments-core"`
	OrderingCore string `env:"DATABASE_URL_ORDERING_CORE,required,notEmpty" secret:"true" desc:"the database of ordering-core"`
	GatewayURL   string `env:"GATEWAY_URL,required,notEmpty" desc:"the payment gateway, http://host:port"`
	GatewayToken string `env:"GATEWAY_TOKEN,required,notEmpty" secret:"true" desc:"bearer token for the gateway"`
	HTTPCAFile   string `env:"HTTP_CA_FILE" desc:"whom to trust for the certificates of other services and of the sign-in provider, in PEM; without it, whom this machine trusts"`
}

func reconcileCommand() *cobra.Command {
	var asJSON bool
	c := reconcile.Config{}
	command := &cobra.Command{
		Use: "reconcile", Short: "Compare all databases, the topics and the gateway's record", Args: cobra.NoArgs,
		Long: "Compare what all services have on record: the four databases, the topics and the gateway's own record. It changes nothing and may run at any\n" +
			"time: it compares up to where the topics end when it begins, waits until each service has received that, and leaves out what is under way.\n\n" +
			"It connects as DATABASE_URL_CONTRACTOR_UI, DATABASE_URL_MANAGER_UI, DATABASE_URL_PAYMENTS_CORE and DATABASE_URL_ORDERING_CORE say, to the Kafka of\n" +
			"KAFKA_BROKERS (KAFKA_TLS, KAFKA_SASL and so on as for a service), and to the gateway by GATEWAY_URL and GATEWAY_TOKEN (and HTTP_CA_FILE). It sorts in\n" +
			"files, about 0.6 kB for an event, in TMPDIR.\n\n" +
			"Exit codes: 0 there is no difference, 1 there is one (what, where, and what to do is said), 2 it could not look.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runReconcile(cmd.Context(), c, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	command.Flags().DurationVar(&c.Patience, "patience", reconcile.DefaultPatience, "how long to wait for what does not come any nearer")
	command.Flags().IntVar(&c.Most, "most", reconcile.DefaultMost, "how many differences to list; all are counted")
	return command
}

func runReconcile(ctx context.Context, c reconcile.Config, asJSON bool, out, progress io.Writer) error {
	var from reconcileConfig
	if err := service.Parse(&from); err != nil {
		return err
	}
	if err := service.Trust(from.HTTPCAFile); err != nil {
		return err
	}
	c.Databases = map[string]string{reconcile.ContractorUI: from.ContractorUI, reconcile.ManagerUI: from.ManagerUI,
		reconcile.PaymentsCore: from.PaymentsCore, reconcile.OrderingCore: from.OrderingCore}
	c.Kafka, c.Gateway = from.Settings, gateway.ClientConfig{URL: from.GatewayURL, Token: from.GatewayToken}
	c.Progress = func(how string) { fmt.Fprintln(progress, how) }
	report, err := reconcile.Run(ctx, c)
	if err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = printReport(out, report)
	}
	if report.Count > 0 {
		return errors.Join(err, errNotHeld)
	}
	return err
}

func printReport(out io.Writer, r reconcile.Report) error {
	for _, d := range r.Differences {
		fmt.Fprintln(out, d)
	}
	if left := r.Count - len(r.Differences); left > 0 {
		fmt.Fprintf(out, "... and %d more\n", left)
	}
	for name, n := range r.Waiting {
		fmt.Fprintf(out, "%d dead letters of %s wait for an operator: they are no difference (`%s dead-letters`)\n", n, name, name)
	}
	if r.UnderWay > 0 {
		fmt.Fprintf(out, "of %d orders the money is under way: the gateway is being asked\n", r.UnderWay)
	}
	_, err := fmt.Fprintf(out, "compared %d events, %d payments, %d orders, %d operations and %d of the gateway's records in %.1f s: %d differences\n", r.Compared.Events,
		r.Compared.Payments, r.Compared.Orders, r.Compared.Operations, r.Compared.GatewayRecords, r.Seconds, r.Count)
	return err
}
