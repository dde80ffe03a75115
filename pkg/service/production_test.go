package service

import (
	"bytes"
	"context"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

type productionConfig struct {
	Config
	KafkaConfig
	RedisConfig
	OrderingURL   string `env:"ORDERING_CORE_URL" desc:"ordering-core, which takes orders, http://host:port"`
	OrderingToken string `env:"ORDERING_CORE_TOKEN" secret:"true" desc:"bearer token of this service at ordering-core"`
}

// safe are settings that production takes.
func safe() map[string]string {
	return map[string]string{
		"ENVIRONMENT": "production", "HTTP_ADDR": ":3000", "DATABASE_URL": "postgres://role@db.example/name?sslmode=verify-full", "PGPASSWORD": "kept to us",
		"KAFKA_BROKERS": "kafka.example:9092", "EVENT_SIGNING_KEY_FILE": "key.pem", "EVENT_VERIFY_KEYS_FILE": "verify.json",
		"REDIS_URL": "rediss://role:kept@redis.example:6379", "ORDERING_CORE_URL": "https://orders.example", "ORDERING_CORE_TOKEN": "a token of our own",
		"KAFKA_TLS": "true", "KAFKA_SASL": "scram-sha-512", "KAFKA_USERNAME": "contractor-ui", "KAFKA_PASSWORD": "kept",
		"TRUSTED_PROXIES": "10.0.0.0/8",
	}
}

// names are the variables that lines begin with, in order.
func names(err error) (list []string) {
	if err == nil {
		return nil
	}
	for line := range strings.SplitSeq(strings.TrimPrefix(err.Error(), "configuration: "), "\n") {
		name, _, _ := strings.Cut(line, " ")
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func TestAWebProcessThatDoesNotReachKafkaNeedsNoUserThere(t *testing.T) {
	environment := safe()
	maps.Copy(environment, map[string]string{"KAFKA_SASL": "", "KAFKA_USERNAME": "", "KAFKA_PASSWORD": ""})
	for role, refused := range map[Role]bool{Web: false, Consumer: true, All: true} {
		if _, err := load(productionConfig{}, role, environment); (err != nil) != refused {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestProductionRefusesWhatIsNotSafe(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  map[string]string
		want []string
	}{
		{"nothing, where all is safe", nil, nil},
		{"all at once", map[string]string{
			"DATABASE_URL": "postgres://role@db.example/name?sslmode=require", "PGPASSWORD": "core-development", "REDIS_URL": "redis://redis.example",
			"ORDERING_CORE_URL": "http://orders.example", "ORDERING_CORE_TOKEN": "contractor-to-orders-development-token", "EVENT_SIGNING_KEY_FILE": "",
			"VERIFY_EVENTS": "accepted", "KAFKA_TLS": "false", "TRUSTED_PROXIES": "", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318",
		}, []string{"DATABASE_URL", "EVENT_SIGNING_KEY_FILE", "KAFKA_TLS", "ORDERING_CORE_TOKEN", "ORDERING_CORE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "PGPASSWORD", "REDIS_URL", "TLS_CERT_FILE", "VERIFY_EVENTS"}},
		{"what is allowed by name", map[string]string{
			"DATABASE_URL": "postgres://role@db.example/name", "REDIS_URL": "redis://redis.example", "ORDERING_CORE_URL": "http://orders.example",
			"KAFKA_TLS": "false", "TRUSTED_PROXIES": "", "ALLOW_PLAINTEXT": "http,kafka,postgres,redis",
		}, nil},
		{"a Kafka that lets anybody in", map[string]string{"KAFKA_SASL": "", "KAFKA_USERNAME": "", "KAFKA_PASSWORD": ""}, []string{"KAFKA_SASL"}},
		{"a Kafka that lets anybody in, by name", map[string]string{
			"KAFKA_SASL": "", "KAFKA_USERNAME": "", "KAFKA_PASSWORD": "", "ALLOW_ANONYMOUS_KAFKA": "true",
		}, nil},
		{"sockets of this machine", map[string]string{"DATABASE_URL": "host=/run/postgresql user=role", "REDIS_URL": "unix:///run/redis.sock"}, nil},
		{"plaintext where TLS fails", map[string]string{"DATABASE_URL": "postgres://db.example/name?sslmode=prefer"}, []string{"DATABASE_URL"}},
		{"another server behind a safe one", map[string]string{"DATABASE_URL": "host=/run/postgresql,db.example user=role sslmode=disable"}, []string{"DATABASE_URL"}},
		{"a server of another name", map[string]string{"DATABASE_URL": "postgres://db.example/name?sslmode=verify-ca"}, []string{"DATABASE_URL"}},
		{"anybody's Redis", map[string]string{"REDIS_URL": "rediss://redis.example?skip_verify=true"}, []string{"REDIS_URL"}},
		{"a published secret within a setting", map[string]string{"DATABASE_URL": "postgres://role:manager-development@db.example/name?sslmode=verify-full"}, []string{"DATABASE_URL"}},
		{"anybody's database for the owner", map[string]string{"MIGRATE_DATABASE_URL": "postgres://owner:core-owner-development@db.example/name"}, []string{"MIGRATE_DATABASE_URL", "MIGRATE_DATABASE_URL"}},
		{"an exception that is none", map[string]string{"ALLOW_PLAINTEXT": "kafka,all"}, []string{"ALLOW_PLAINTEXT"}},
		{"unsigned events until a day", map[string]string{"VERIFY_EVENTS": "accepted", "ALLOW_UNSIGNED_UNTIL": "2026-12-24"}, nil},
		{"on the last day", map[string]string{"VERIFY_EVENTS": "accepted", "ALLOW_UNSIGNED_UNTIL": "2026-12-01"}, nil},
		{"after the last day", map[string]string{"VERIFY_EVENTS": "accepted", "ALLOW_UNSIGNED_UNTIL": "2026-11-30"}, []string{"ALLOW_UNSIGNED_UNTIL"}},
		{"for longer than anybody remembers", map[string]string{"VERIFY_EVENTS": "accepted", "ALLOW_UNSIGNED_UNTIL": "2027-12-01"}, []string{"ALLOW_UNSIGNED_UNTIL"}},
		{"until some time", map[string]string{"VERIFY_EVENTS": "accepted", "ALLOW_UNSIGNED_UNTIL": "soon"}, []string{"ALLOW_UNSIGNED_UNTIL"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			environment := safe()
			maps.Copy(environment, tc.set)
			c, err := load(productionConfig{}, All, environment)
			if tc.set["ALLOW_UNSIGNED_UNTIL"] != "" { // whose days are counted from one that stays
				err = usageError(refused(c, All, environment, time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)))
			}
			if got := names(err); !slices.Equal(got, tc.want) {
				t.Errorf("refused %v, not %v:\n%v", got, tc.want, err)
			}
			if environment["ENVIRONMENT"] = "development"; len(tc.want) > 0 && tc.want[0] != "ALLOW_PLAINTEXT" {
				if _, err := load(productionConfig{}, All, environment); err != nil {
					t.Errorf("refused in development: %v", err)
				}
			}
		})
	}
}

func TestOnlyWhatSignsNeedsAKey(t *testing.T) {
	environment := safe()
	delete(environment, "EVENT_SIGNING_KEY_FILE")
	for role, want := range map[Role][]string{Web: nil, "": nil, Consumer: {"EVENT_SIGNING_KEY_FILE"}, All: {"EVENT_SIGNING_KEY_FILE"}} {
		_, err := load(productionConfig{}, role, environment)
		if got := names(err); !slices.Equal(got, want) {
			t.Errorf("%q: refused %v", role, got)
		}
	}
}

func TestPublishedSecretsAreThoseOfTheRepository(t *testing.T) {
	compose, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?:PASSWORD|TOKEN|SECRET):-([^}]+)\}`).FindAllStringSubmatch(string(compose), -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	known := slices.Clone(published)
	slices.Sort(known)
	if found = slices.Compact(found); !slices.Equal(found, known) {
		t.Errorf("docker-compose.yml has\n%v\nand production refuses\n%v", found, known)
	}
}

func TestTheConfigurationIsCheckedWithoutConnecting(t *testing.T) {
	for variable, value := range safe() {
		t.Setenv(variable, value)
	}
	check := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := Program[productionConfig]{Name: "sample"}.Execute(context.Background(), append([]string{"config", "--check"}, args...), &out, &out)
		return code, out.String()
	}
	if code, out := check(); code != 0 || !strings.Contains(out, "can start with these settings, in production") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := check("--role", "driver"); code != 2 || !strings.Contains(out, `--role is "driver"`) {
		t.Errorf("%d %s", code, out)
	}
	t.Setenv("ORDERING_CORE_TOKEN", "manager-to-orders-development-token")
	t.Setenv("REDIS_URL", "redis://role:kept@redis.example:6379")
	code, out := check("--role", "web")
	if code != 2 || !strings.Contains(out, "ORDERING_CORE_TOKEN holds") || !strings.Contains(out, "\nREDIS_URL is") {
		t.Errorf("%d %s", code, out)
	}
	for _, secret := range []string{"manager-to-orders", "kept@", "kept to us"} {
		if strings.Contains(out, secret) {
			t.Errorf("a secret is shown: %s", out)
		}
	}
}
