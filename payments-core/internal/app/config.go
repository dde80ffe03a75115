// Package app declares payments-core: its configuration, what it receives and writes, what runs in it, and
// its commands.
package app

import (
	"errors"
	"fmt"
	"time"

	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/service"
	"countersign.example/pkg/web"
)

// Config is what payments-core reads from its environment.
type Config struct {
	service.Config
	service.KafkaConfig
	web.GateConfig
	GatewayURL     string          `env:"GATEWAY_URL,required,notEmpty" desc:"the payment gateway, http://host:port"`
	GatewayToken   string          `env:"GATEWAY_TOKEN,required,notEmpty" secret:"true" desc:"bearer token for the gateway"`
	GatewayTimeout time.Duration   `env:"GATEWAY_TIMEOUT" envDefault:"5s" desc:"how long one call to the gateway may take, 10s at most; then it is asked again with the same key"`
	GatewayKeyLife time.Duration   `env:"GATEWAY_KEY_LIFE" envDefault:"24h" desc:"how long the gateway says that it knows an idempotency key; after that its record is asked before a key is sent again"`
	ServiceTokens  api.Tokens      `env:"SERVICE_TOKENS,required,notEmpty" secret:"true" desc:"who may call the API: service=token, separated by commas; two tokens with a bar between while one takes the other's place"`
	RetryDelays    []time.Duration `env:"RETRY_DELAYS" envDefault:"1m,5m,30m" desc:"how long to wait after the first, second and third decline that is not final"`
	PayoutGrace    time.Duration   `env:"PAYOUT_GRACE" envDefault:"10s" desc:"how long after its acceptance a payment is authorized, 10m at most: until then a manager may take the acceptance back; 0s for at once"`

	// Jobs and ReconcilePatience are for tests in a hurry.
	Jobs              operations.Timing
	ReconcilePatience time.Duration // see reconciling.DefaultPatience
}

// maxGatewayTimeout leaves a job the time to record the answer.
const maxGatewayTimeout = 10 * time.Second

// maxPayoutGrace is how long money may wait for somebody to change their mind.
const maxPayoutGrace = 10 * time.Minute

// Validate reports everything that is wrong with the values.
func (c *Config) Validate() error {
	errs := []error{c.Config.Validate(), c.Check()}
	if _, err := openGateway(c, c.GatewayTimeout); err != nil { // it does not connect yet
		errs = append(errs, fmt.Errorf("GATEWAY_URL: %w", err))
	}
	if c.GatewayTimeout <= 0 || c.GatewayTimeout > maxGatewayTimeout {
		errs = append(errs, fmt.Errorf("GATEWAY_TIMEOUT is %s: use a duration up to %s", c.GatewayTimeout, maxGatewayTimeout))
	}
	if c.GatewayKeyLife <= 0 {
		errs = append(errs, fmt.Errorf("GATEWAY_KEY_LIFE is %s: use what the gateway states, such as 24h", c.GatewayKeyLife))
	}
	if c.PayoutGrace < 0 || c.PayoutGrace > maxPayoutGrace {
		errs = append(errs, fmt.Errorf("PAYOUT_GRACE is %s: use a duration from 0s to %s", c.PayoutGrace, maxPayoutGrace))
	}
	if len(c.RetryDelays) != payment.MaxDeclines-1 {
		errs = append(errs, fmt.Errorf("RETRY_DELAYS has %d durations: use %d, separated by commas", len(c.RetryDelays), payment.MaxDeclines-1))
	}
	for _, d := range c.RetryDelays {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("RETRY_DELAYS contains %s: use durations such as 1m", d))
		}
	}
	return errors.Join(errs...)
}
