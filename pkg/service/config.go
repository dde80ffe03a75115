package service

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/kafka/connection"
)

// Environments that a service can run in.
const (
	Development = "development"
	Production  = "production"
)

// Config is what every service reads from its environment. A service embeds it in its own
// struct, beside KafkaConfig and RedisConfig when it uses those; each field says its
// variable (env), its default (envDefault, or a value in Program.Defaults) and what it is for (desc), and
// whether it is a secret (secret): a secret may be in a file, too, which the variable with _FILE behind its
// name names. The driver reads RolePassword's variable by itself, as every client of PostgreSQL does.
type Config struct {
	Environment        string        `env:"ENVIRONMENT" envDefault:"development" desc:"development or production; production refuses what is not safe enough, and says what"`
	HTTPAddr           string        `env:"HTTP_ADDR" desc:"address to listen on, host:port or :port"`
	AdminAddr          string        `env:"ADMIN_ADDR" desc:"address for operators only: /metrics, /readyz with details, profiles; another one for each process of a host"`
	TLSCertFile        string        `env:"TLS_CERT_FILE" desc:"the certificate of HTTP_ADDR, in PEM, with those between it and its authority: it then speaks HTTPS; read again when it changes"`
	TLSKeyFile         string        `env:"TLS_KEY_FILE" desc:"the private key of TLS_CERT_FILE, in PEM"`
	TrustedProxies     Proxies       `env:"TRUSTED_PROXIES" desc:"proxies whose X-Forwarded-For counts, addresses and networks such as 10.0.0.0/8, separated by commas"`
	HTTPCAFile         string        `env:"HTTP_CA_FILE" desc:"whom to trust for the certificates of other services and of the sign-in provider, in PEM; without it, whom this machine trusts"`
	DatabaseURL        string        `env:"DATABASE_URL,required,notEmpty" secret:"true" desc:"this service's own PostgreSQL database, postgres://role:password@host:port/name"`
	MigrateDatabaseURL string        `env:"MIGRATE_DATABASE_URL" secret:"true" desc:"for the command migrate alone: the same database, as the role that owns its tables; without it that of DATABASE_URL owns them, and could change what is on record"`
	RolePassword       string        `env:"PGPASSWORD" secret:"true" desc:"the role's password where DATABASE_URL holds none; any characters, as they are"`
	LogLevel           slog.Level    `env:"LOG_LEVEL" envDefault:"info" desc:"debug, info, warn or error"`
	LogFormat          string        `env:"LOG_FORMAT" envDefault:"json" desc:"json, or text for people"`
	ShutdownTimeout    time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"10s" desc:"how long everything together may take to stop, after DRAIN_DELAY"`
	AllowPlaintext     []string      `env:"ALLOW_PLAINTEXT" desc:"what ENVIRONMENT=production may reach without TLS all the same: kafka, postgres, redis, http, separated by commas"`
	DrainDelay         time.Duration `env:"DRAIN_DELAY" envDefault:"0s" desc:"how long to go on serving when told to stop, with /readyz unavailable, so that traffic leaves; 5s behind a load balancer"`
	TraceConfig
}

// KafkaConfig is for services with a journal, which write to Kafka and read from it.
type KafkaConfig struct {
	connection.Settings
	EventSigningKeyFile string       `env:"EVENT_SIGNING_KEY_FILE" desc:"this service's Ed25519 key, PKCS#8 in PEM: it signs each event that is published; needed by consumer and all"`
	EventVerifyKeysFile string       `env:"EVENT_VERIFY_KEYS_FILE,required,notEmpty" desc:"the public keys of all services, by which received events are verified"`
	VerifyEvents        Verification `env:"VERIFY_EVENTS" envDefault:"required" desc:"required, or accepted while some services do not sign yet: unsigned events pass then, and are counted"`
	AllowUnsignedUntil  string       `env:"ALLOW_UNSIGNED_UNTIL" desc:"with ENVIRONMENT=production and VERIFY_EVENTS=accepted: the last day of that, within a month, such as 2026-12-24"`
	AllowAnonymousKafka bool         `env:"ALLOW_ANONYMOUS_KAFKA" envDefault:"false" desc:"true lets ENVIRONMENT=production use a Kafka that does not ask who this service is"`
	AllowOwnerRole      bool         `env:"ALLOW_OWNER_ROLE" envDefault:"false" desc:"true lets a role serve in production that may change and delete what is in the journal"`
}

// Kafka returns the KafkaConfig of every struct that embeds it.
func (c *KafkaConfig) Kafka() *KafkaConfig { return c }

// Verification says what becomes of events without a signature. One that is wrong is always refused.
type Verification string

const (
	VerificationRequired Verification = "required"
	VerificationAccepted Verification = "accepted"
)

// UnmarshalText takes the two values alone.
func (v *Verification) UnmarshalText(text []byte) error {
	switch *v = Verification(text); *v {
	case VerificationRequired, VerificationAccepted:
		return nil
	}
	return fmt.Errorf("VERIFY_EVENTS is %q: use required or accepted", text)
}

// RedisConfig is for services that push live updates.
type RedisConfig struct {
	RedisURL    string `env:"REDIS_URL,required,notEmpty" secret:"true" desc:"Redis for live updates, redis://host:port, or rediss://user:password@host:port by TLS"`
	RedisCAFile string `env:"REDIS_CA_FILE" desc:"whom to trust for Redis' certificate, in PEM; without it, whom this machine trusts"`
}

// Redis returns the RedisConfig of every struct that embeds it.
func (c *RedisConfig) Redis() *RedisConfig { return c }

// Base returns the embedded Config; with it every struct that embeds Config is a Configuration.
func (c *Config) Base() *Config { return c }

// Validate reports everything that is wrong with the values. A service with rules of its own has
// a Validate that joins its errors with those of c.Config.Validate().
func (c *Config) Validate() error {
	var errs []error
	if c.Environment != Development && c.Environment != Production {
		errs = append(errs, fmt.Errorf("ENVIRONMENT is %q: use development or production", c.Environment))
	}
	if _, _, err := net.SplitHostPort(c.HTTPAddr); err != nil {
		errs = append(errs, fmt.Errorf("HTTP_ADDR is %q: use host:port or :port", c.HTTPAddr))
	}
	if _, _, err := net.SplitHostPort(c.AdminAddr); err != nil && c.AdminAddr != "" {
		errs = append(errs, fmt.Errorf("ADMIN_ADDR is %q: use host:port or :port", c.AdminAddr))
	}
	if _, err := pgx.ParseConfig(c.DatabaseURL); err != nil {
		// The error of pgx repeats the address with the password taken out.
		errs = append(errs, fmt.Errorf("DATABASE_URL: %w", err))
	}
	if _, err := pgx.ParseConfig(c.MigrateDatabaseURL); err != nil {
		errs = append(errs, fmt.Errorf("MIGRATE_DATABASE_URL: %w", err))
	}
	if c.LogFormat != "json" && c.LogFormat != "text" {
		errs = append(errs, fmt.Errorf("LOG_FORMAT is %q: use json or text", c.LogFormat))
	}
	for _, part := range c.AllowPlaintext {
		if !slices.Contains([]string{plainKafka, plainPostgres, plainRedis, plainHTTP}, part) {
			errs = append(errs, fmt.Errorf("ALLOW_PLAINTEXT names %q: use kafka, postgres, redis or http", part))
		}
	}
	errs = append(errs, c.checkTLS(), c.check(), Positive("SHUTDOWN_TIMEOUT", c.ShutdownTimeout, "10s"))
	if c.DrainDelay < 0 {
		errs = append(errs, fmt.Errorf("DRAIN_DELAY is %s: use a duration such as 5s", c.DrainDelay))
	}
	return errors.Join(errs...)
}

// Positive returns an error unless the duration that a variable gives is one. The error names an example.
func Positive(variable string, value time.Duration, example string) error {
	if value > 0 {
		return nil
	}
	return fmt.Errorf("%s is %s: use a duration such as %s", variable, value, example)
}

// Configuration is implemented by the pointer to any struct that embeds Config.
type Configuration interface {
	Base() *Config
	Validate() error
}

// Load fills a copy of defaults from the environment and validates it for a role; for a command that is none,
// the role is "". Its errors are usage errors (exit code 2) that name every variable that is wrong.
func Load[C any](defaults C, role Role) (*C, error) {
	c, err := load(defaults, role, env.ToMap(os.Environ()))
	if err != nil {
		return nil, err
	}
	base := any(c).(Configuration).Base()
	if base.RolePassword != "" {
		// It may come from a file, and the driver looks there alone.
		err = os.Setenv(rolePasswordVariable, base.RolePassword)
	}
	return c, errors.Join(err, Trust(base.HTTPCAFile))
}

func load[C any](defaults C, role Role, environment map[string]string) (*C, error) {
	c := defaults
	configuration, ok := any(&c).(Configuration)
	if !ok {
		return nil, fmt.Errorf("%T does not embed service.Config", c)
	}
	environment, wrong := parse(&c, environment)
	errs := []error{configuration.Validate()}
	if kafka, ok := any(&c).(interface{ Kafka() *KafkaConfig }); ok {
		errs = append(errs, kafka.Kafka().Check())
	}
	wrong = judged(wrong, linesOf(errors.Join(errs...)))
	return &c, usageError(judged(wrong, refused(configuration, role, environment, time.Now())))
}

// Parse fills a struct, whose fields have tags as those of Config, from the environment, and checks it if it
// can be. It is for a program that is no service; its errors are as those of Load.
func Parse(into any) error {
	_, wrong := parse(into, env.ToMap(os.Environ()))
	if checked, ok := into.(interface{ Check() error }); ok {
		wrong = judged(wrong, linesOf(checked.Check()))
	}
	return usageError(wrong)
}

// judged adds lines to what is wrong, but those about a variable of which something has been said.
func judged(wrong, lines []string) []string {
	said := map[string]bool{}
	for _, line := range wrong {
		said[variableOf(line)] = true
	}
	for _, line := range lines {
		if !said[variableOf(line)] {
			wrong = append(wrong, line)
		}
	}
	return wrong
}

func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func usageError(lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	return UsageError{errors.New("configuration: " + strings.Join(lines, "\n"))}
}

// parse returns the environment with the secrets that are in files, and what is wrong, in lines that begin
// with the variable's name.
func parse(into any, environment map[string]string) (map[string]string, []string) {
	environment, wrong := withSecretFiles(into, environment)
	err := env.ParseWithOptions(into, env.Options{Environment: environment})
	return environment, judged(wrong, plainEnvErrors(err, into))
}

// variableOf is the variable that a line about one begins with; of a secret's file, the secret's.
func variableOf(line string) string {
	name, _, _ := strings.Cut(line, " ")
	return strings.TrimSuffix(strings.TrimSuffix(name, ":"), fileSuffix)
}

// plainEnvErrors are the library's errors without its preamble, and with variables in the place of fields.
func plainEnvErrors(err error, into any) []string {
	var all env.AggregateError
	if !errors.As(err, &all) {
		if err != nil {
			return []string{err.Error()}
		}
		return nil
	}
	variables := map[string]string{}
	for field := range settings(reflect.ValueOf(into).Elem()) {
		variables[field.Name] = variable(field)
	}
	lines := make([]string, 0, len(all.Errors))
	for _, e := range all.Errors {
		var missing env.VarIsNotSetError
		var empty env.EmptyVarError
		var unread env.ParseError
		switch {
		case errors.As(e, &missing):
			lines = append(lines, missing.Key+" is not set")
		case errors.As(e, &empty):
			lines = append(lines, empty.Key+" is empty")
		case errors.As(e, &unread):
			line, name := unread.Err.Error(), variables[unread.Name]
			if variableOf(line) != name {
				line = name + ": " + line
			}
			lines = append(lines, line)
		default:
			lines = append(lines, e.Error())
		}
	}
	return lines
}

// Variable is one line of a service's configuration.
type Variable struct {
	Name, Default, Description string
	Required                   bool
}

// Variables lists what a config struct reads, from its tags, in the order of its fields.
func Variables[C any](defaults C) []Variable {
	var found []Variable
	for field, value := range settings(reflect.ValueOf(defaults)) {
		name := variable(field)
		_, options, _ := strings.Cut(field.Tag.Get("env"), ",")
		def, tagged := field.Tag.Lookup("envDefault")
		if !tagged && !value.IsZero() {
			def = fmt.Sprint(value.Interface())
		}
		found = append(found, Variable{
			Name: name, Default: def, Description: field.Tag.Get("desc"),
			Required: strings.Contains(options, "required"),
		})
		if isSecret(field) {
			found = append(found, Variable{Name: name + fileSuffix, Description: "a file with it, instead of " + name})
		}
	}
	return found
}

// variable is the name that a field is read from.
func variable(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
	return name
}

// settings goes through the fields of a config struct that have a variable, and of the structs in it.
func settings(v reflect.Value) iter.Seq2[reflect.StructField, reflect.Value] {
	return func(yield func(reflect.StructField, reflect.Value) bool) {
		for i := range v.NumField() {
			switch field := v.Type().Field(i); {
			case field.Tag.Get("env") != "":
				if !yield(field, v.Field(i)) {
					return
				}
			case field.Type.Kind() == reflect.Struct && field.IsExported():
				for inner, value := range settings(v.Field(i)) {
					if !yield(inner, value) {
						return
					}
				}
			}
		}
	}
}

// PrintVariables prints what a config struct reads, as `<service> config` does.
func PrintVariables[C any](w io.Writer, defaults C) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VARIABLE\tDEFAULT\tMEANING")
	for _, v := range Variables(defaults) {
		if v.Required {
			v.Default = "(required)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Name, v.Default, v.Description)
	}
	return table.Flush()
}
