// Identity is a small OpenID Connect provider for development: it signs the demo's people in, by a password
// that everybody knows. It keeps all in memory, and forgets it when it stops.
//
//	identity           serve
//	identity config    the variables that it reads
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"countersign.example/pkg/service"
)

func main() { service.Main(dispatch) }

// config says where the provider is, and who may send people to it.
type config struct {
	HTTPAddr         string `env:"HTTP_ADDR" envDefault:":5004" desc:"address to listen on, host:port or :port"`
	TLSCertFile      string `env:"TLS_CERT_FILE" desc:"the certificate of HTTP_ADDR, in PEM, with those between it and its authority: it then speaks HTTPS; read again when it changes"`
	TLSKeyFile       string `env:"TLS_KEY_FILE" desc:"the private key of TLS_CERT_FILE, in PEM"`
	Issuer           string `env:"OIDC_ISSUER,required,notEmpty" desc:"the address of this provider, as browsers and apps know it"`
	ContractorURL    string `env:"CONTRACTOR_UI_URL,required,notEmpty" desc:"the contractors' web app, http://host:port"`
	ContractorSecret string `env:"CONTRACTOR_UI_SECRET,required,notEmpty" secret:"true" desc:"contractor-ui's OIDC_CLIENT_SECRET"`
	ManagerURL       string `env:"MANAGER_UI_URL,required,notEmpty" desc:"the managers' web app, http://host:port"`
	ManagerSecret    string `env:"MANAGER_UI_SECRET,required,notEmpty" secret:"true" desc:"manager-ui's OIDC_CLIENT_SECRET"`
}

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "config":
		return service.PrintVariables(out, config{})
	case len(args) > 0:
		return service.UsageError{Err: errors.New("usage: identity [config]")}
	}
	var c config
	if err := service.Parse(&c); err != nil {
		return err
	}
	handler, err := newProvider(c)
	if err != nil {
		return err
	}
	secure, err := service.ServerTLS(c.TLSCertFile, c.TLSKeyFile, slog.Default())
	if err != nil {
		return service.UsageError{Err: err}
	}
	return serve(ctx, c.HTTPAddr, handler, secure)
}

// serve answers until ctx ends, by HTTPS if secure is not nil.
func serve(ctx context.Context, addr string, handler http.Handler, secure *tls.Config) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if secure != nil {
		listener = tls.NewListener(listener, secure)
	}
	server := &http.Server{Handler: handler, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
