package live

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"countersign.example/pkg/tcp"
)

// Connect prepares a client of the Redis at address ("redis://host:port/0", or "rediss://" by TLS), whose
// certificate those in trusted have signed; nil are those whom the machine trusts. It does not connect yet:
// Redis may be away. An error is one of the address.
func Connect(address string, trusted *x509.CertPool) (*redis.Client, error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		var syntax *url.Error
		if errors.As(err, &syntax) {
			err = syntax.Err // without the URL, which may hold a password
		}
		return nil, fmt.Errorf("read the Redis URL: %w", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = 2*time.Second, 3*time.Second, 3*time.Second
	dialer := tcp.Dialer(options.DialTimeout)
	secure := options.TLSConfig
	if secure != nil {
		secure.RootCAs = trusted
	}
	options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if secure != nil {
			return (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext(ctx, network, addr)
		}
		return dialer.DialContext(ctx, network, addr)
	}
	options.MaxRetries = -1 // pusher and reader try again by themselves
	options.ContextTimeoutEnabled = true
	options.PoolSize = 4
	options.DisableIdentity = true // an app's user may not say it, and nobody asks
	withoutHandoffs(options)
	return redis.NewClient(options), nil
}

// withoutHandoffs turns off a feature of one vendor's servers, for which the client keeps goroutines that
// outlive it.
func withoutHandoffs(options *redis.Options) {
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.PushNotificationProcessor = nil
}
