package service

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// What ALLOW_PLAINTEXT may name.
const (
	plainKafka    = "kafka"
	plainPostgres = "postgres"
	plainRedis    = "redis"
	plainHTTP     = "http"
)

// maxUnsigned is how far ahead ALLOW_UNSIGNED_UNTIL may be, so that nobody forgets it.
const maxUnsigned = 31 * 24 * time.Hour

// published are the secrets of docker-compose.yml: everybody knows them.
var published = []string{
	"contractor-development", "manager-development", "core-development", "ordering-development", "gateway-development", "postgres-development",
	"contractor-owner-development", "manager-owner-development", "core-owner-development", "ordering-owner-development", "gateway-owner-development",
	"manager-to-core-development-token", "manager-to-contractor-development-token", "contractor-to-orders-development-token",
	"manager-to-orders-development-token", "seed-to-orders-development-token", "core-to-gateway-development-token",
	"contractor-to-identity-development-secret", "manager-to-identity-development-secret",
}

// refused are lines about what ENVIRONMENT=production does not take of a configuration, each of which begins
// with the variable to change. environment has the secrets as they were read.
func refused(c Configuration, role Role, environment map[string]string, now time.Time) (lines []string) {
	base := c.Base()
	if base.Environment != Production {
		return nil
	}
	refuse := func(format string, values ...any) { lines = append(lines, fmt.Sprintf(format, values...)) }
	plain := func(part string) bool { return slices.Contains(base.AllowPlaintext, part) }
	for field, value := range settings(reflect.ValueOf(c).Elem()) {
		name := variable(field)
		if isSecret(field) && slices.ContainsFunc(published, func(known string) bool { return strings.Contains(environment[name], known) }) {
			refuse("%s holds a secret that stands in Countersign's repository, so that everybody knows it: use one of your own", name)
		}
		// Of PUBLIC_URL the identity says more.
		if (strings.HasSuffix(name, "_URL") && name != "PUBLIC_URL" || name == otlpEndpoint) && strings.HasPrefix(value.String(), "http://") && !plain(plainHTTP) {
			refuse("%s is plain http: use https, or name http in ALLOW_PLAINTEXT where others do not read along", name)
		}
	}
	if role.Serves(Web) && base.TLSCertFile == "" && len(base.TrustedProxies) == 0 && !plain(plainHTTP) {
		refuse("TLS_CERT_FILE is not set, and no proxy that speaks HTTPS is in TRUSTED_PROXIES: set one of the two, " +
			"or name http in ALLOW_PLAINTEXT where others do not read along")
	}
	database := func(name, address string) {
		if !plain(plainPostgres) && !verified(address) {
			refuse("%s does not say sslmode=verify-full, so that anybody could be the server: "+
				"say so, with sslrootcert, or name postgres in ALLOW_PLAINTEXT where others do not read along", name)
		}
	}
	database("DATABASE_URL", base.DatabaseURL)
	if base.MigrateDatabaseURL != "" {
		database("MIGRATE_DATABASE_URL", base.MigrateDatabaseURL)
	}
	if r, has := c.(interface{ Redis() *RedisConfig }); has && !plain(plainRedis) && !encrypted(r.Redis().RedisURL) {
		refuse("REDIS_URL is not encrypted, or anybody could be the server: use rediss:// without skip_verify, " +
			"or name redis in ALLOW_PLAINTEXT where others do not read along")
	}
	if k, has := c.(interface{ Kafka() *KafkaConfig }); has {
		if !plain(plainKafka) && !k.Kafka().KafkaTLS {
			refuse("KAFKA_TLS is false, so that Kafka is reached in plaintext: set it to true, or name kafka in ALLOW_PLAINTEXT where others do not read along")
		}
		_, webApp := c.(interface{ Redis() *RedisConfig }) // whose web process does not reach Kafka
		if c := k.Kafka(); (role != Web || !webApp) && c.KafkaTLS && c.KafkaSASL == "" && c.KafkaCertFile == "" && !c.AllowAnonymousKafka {
			refuse("KAFKA_SASL is not set, nor is KAFKA_CERT_FILE, so that to Kafka this service is anybody, and anybody is this service: " +
				"set one of the two, or ALLOW_ANONYMOUS_KAFKA=true where only the services reach the brokers")
		}
		k.Kafka().refuse(role, now, refuse)
	}
	return lines
}

func (c *KafkaConfig) refuse(role Role, now time.Time, refuse func(format string, values ...any)) {
	if c.EventSigningKeyFile == "" && role.Serves(Consumer) {
		refuse("EVENT_SIGNING_KEY_FILE is not set: nobody would believe an event of this service's")
	}
	if c.VerifyEvents != VerificationAccepted {
		return
	}
	// The day itself is the last one.
	end, err := time.Parse(time.DateOnly, c.AllowUnsignedUntil)
	end = end.AddDate(0, 0, 1)
	switch {
	case c.AllowUnsignedUntil == "":
		refuse("VERIFY_EVENTS is accepted, so that events without a signature count, whoever wrote them: use required, " +
			"or set ALLOW_UNSIGNED_UNTIL to a day while services are upgraded")
	case err != nil:
		refuse("ALLOW_UNSIGNED_UNTIL is %q: use a day such as 2026-12-24", c.AllowUnsignedUntil)
	case !now.Before(end):
		refuse("ALLOW_UNSIGNED_UNTIL is %s, which is over: set VERIFY_EVENTS to required", c.AllowUnsignedUntil)
	case end.Sub(now) > maxUnsigned:
		refuse("ALLOW_UNSIGNED_UNTIL is %s: use a day within a month, so that it is not forgotten", c.AllowUnsignedUntil)
	}
}

// verified reports whether whoever answers at the address must prove to be the server of its name. A socket
// of this machine has no name, and needs none.
func verified(database string) bool {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		return true // which Validate says
	}
	safe := strings.HasPrefix(config.Host, "/") || config.TLSConfig != nil && !config.TLSConfig.InsecureSkipVerify
	for _, next := range config.Fallbacks {
		safe = safe && (strings.HasPrefix(next.Host, "/") || next.TLSConfig != nil && !next.TLSConfig.InsecureSkipVerify)
	}
	return safe
}

// encrypted is verified for a Redis.
func encrypted(address string) bool {
	options, err := redis.ParseURL(address)
	if err != nil {
		return true
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "unix" || options.TLSConfig != nil && !options.TLSConfig.InsecureSkipVerify)
}
