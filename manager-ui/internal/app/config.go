// Package app puts manager-ui together: its configuration, its commands, and in which order its parts
// start and stop.
package app

import (
	"errors"

	"countersign.example/pkg/service"
	"countersign.example/pkg/web"
)

// Config is what manager-ui reads from its environment.
type Config struct {
	service.Config
	service.KafkaConfig
	service.RedisConfig
	web.IdentityConfig
	PaymentsCoreURL   string `env:"PAYMENTS_CORE_URL,required,notEmpty" desc:"payments-core, which captures and releases money, http://host:port"`
	PaymentsCoreToken string `env:"PAYMENTS_CORE_TOKEN,required,notEmpty" desc:"bearer token of this service at payments-core"`
	OrderingCoreURL   string `env:"ORDERING_CORE_URL,required,notEmpty" desc:"ordering-core, which owns orders, products and customers, http://host:port"`
	OrderingCoreToken string `env:"ORDERING_CORE_TOKEN,required,notEmpty" desc:"bearer token of this service at ordering-core"`
}

// Validate reports everything that is wrong with the values.
func (c *Config) Validate() error {
	return errors.Join(c.Config.Validate(), c.Check(c.Environment))
}
