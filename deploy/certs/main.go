// Certs makes certificates for development, by an authority of its own:
//
//	certs DIR NAME ...             a certificate for each name that has none in DIR: NAME.pem and NAME.key
//	certs DIR NAME=HOST,HOST ...   one of a server, for these names and addresses
//
// ca.pem is the authority's certificate: whom clients trust (KAFKA_CA_FILE). In production use your own
// authority.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"countersign.example/pkg/embedded/devca"
	"countersign.example/pkg/service"
)

func main() { service.Main(run) }

func run(_ context.Context, args []string, _ io.Writer) error {
	if len(args) < 2 {
		return service.UsageError{Err: errors.New("usage: certs DIR NAME[=HOST,HOST] [NAME[=HOST,HOST]]")}
	}
	ca, err := devca.Open(args[0])
	if err != nil {
		return err
	}
	for _, wanted := range args[1:] {
		name, hosts, server := strings.Cut(wanted, "=")
		if _, err := os.Stat(filepath.Join(args[0], name+".pem")); err == nil {
			continue
		}
		leaf := devca.Leaf{Name: name}
		if server {
			leaf.Hosts = strings.Split(hosts, ",")
		}
		if _, err := ca.Issue(leaf); err != nil {
			return err
		}
	}
	return nil
}
