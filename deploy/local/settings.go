package main

import (
	"os"
	"strings"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/signing"
)

// writeSettings keeps each service's configuration as .local/<service>.env, which a shell can read, so that
// its other commands can be run beside it: `. .local/manager-ui.env && bin/manager-ui dead-letters list`.
// What looks at all of them (deploy/countersign) has .local/countersign.env.
func (l *launcher) writeSettings(p parts) error {
	files := map[string][]string{"countersign": looking(p)}
	for _, s := range services {
		files[s.name] = append(s.settings(p), s.migration(p)...)
	}
	for name, settings := range files {
		// The file holds a password: nobody else reads it, whatever was there before.
		path := l.data(name + ".env")
		if err := os.WriteFile(path, []byte(shell(settings)), 0o600); err != nil {
			return err
		}
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// looking is the configuration of what reads all databases, the topics and the gateway's record.
func looking(p parts) []string {
	list := []string{"KAFKA_BROKERS=" + p.brokers(), "EVENT_VERIFY_KEYS_FILE=" + signing.TrustFile(p.keys),
		"GATEWAY_URL=" + sandboxGateway.url(), "GATEWAY_TOKEN=" + p.tokens[paymentsToGateway]}
	for _, s := range services {
		if s != sandboxGateway {
			list = append(list, "DATABASE_URL_"+s.variable()+"="+p.databases[s.name].serving)
		}
	}
	if p.secured != nil {
		list = append(append(list, p.secured.kafka(kafka.ReaderUser)...), "HTTP_CA_FILE="+p.secured.caFile)
	}
	return list
}

// shell writes NAME=value pairs as a shell reads them.
func shell(settings []string) string {
	var b strings.Builder
	for _, pair := range settings {
		name, value, _ := strings.Cut(pair, "=")
		b.WriteString("export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'\n")
	}
	return b.String()
}
