// Identity is a small OpenID Connect provider for development: it signs the demo's people in, by a password
// that everybody knows. It keeps all in memory, and forgets it when it stops.
//
//	identity           serve
//	identity config    the variables that it reads
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"countersign.example/pkg/service"
)

func main() { service.Main(dispatch) }

// config says where the provider is, and who may send people to it.
type config struct {
	HTTPAddr         string `env:"HTTP_ADDR" envDefault:":5004" desc:"address to listen on, host:port or :port"`
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
	return serve(ctx, c.HTTPAddr, handler)
}

// serve answers until ctx ends.
func serve(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
