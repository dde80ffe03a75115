// Package app declares ordering-core: its configuration, what it receives and writes, what runs in it, and
// its commands.
package app

import (
	"errors"
	"fmt"
	"time"

	"countersign.example/pkg/api"
	"countersign.example/pkg/service"
	"countersign.example/pkg/web"
)

// Config is what ordering-core reads from its environment.
type Config struct {
	service.Config
	service.KafkaConfig
	web.GateConfig
	ServiceTokens api.Tokens    `env:"SERVICE_TOKENS,required,notEmpty" secret:"true" desc:"who may call the API: service=token, separated by commas; two tokens with a bar between while one takes the other's place"`
	OrderTTL      time.Duration `env:"ORDER_TTL" envDefault:"24h" desc:"how long a submitted order waits for its payment before it expires"`
	DraftTTL      time.Duration `env:"DRAFT_TTL" envDefault:"720h" desc:"how long a draft may lie idle before it expires"`
	TimeZone      string        `env:"TIME_ZONE" envDefault:"Europe/Berlin" desc:"the time zone whose months orders are numbered by"`

	// Clock is for tests that do not wait; nil is the machine's.
	Clock func() time.Time
}

// Validate reports everything that is wrong with the values.
func (c *Config) Validate() error {
	errs := []error{c.Config.Validate(), c.Check(), service.Positive("ORDER_TTL", c.OrderTTL, "24h"), service.Positive("DRAFT_TTL", c.DraftTTL, "720h")}
	if _, err := time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "" {
		errs = append(errs, fmt.Errorf("TIME_ZONE is %q: use a name such as Europe/Berlin", c.TimeZone))
	}
	return errors.Join(errs...)
}
