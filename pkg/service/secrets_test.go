package service

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type secretsConfig struct {
	Config
	RedisConfig
	Other struct {
		Token string `env:"GATEWAY_TOKEN,required,notEmpty" secret:"true" desc:"bearer token for the gateway"`
	}
}

func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASecretMayBeInAFile(t *testing.T) {
	t.Setenv("PGPASSWORD", "") // put back as it was at the end
	for variable, content := range map[string]string{
		"DATABASE_URL": "postgres://role@host/name\n", "PGPASSWORD": "p ss\r\n", "REDIS_URL": "redis://host:1", "GATEWAY_TOKEN": "two\n\n",
	} {
		t.Setenv(variable+"_FILE", secretFile(t, content))
	}
	c, err := Load(secretsConfig{Config: Config{HTTPAddr: ":1"}}, Web)
	if err != nil {
		t.Fatal(err)
	}
	// one end of a line is cut, and nothing else
	if c.DatabaseURL != "postgres://role@host/name" || c.RolePassword != "p ss" || c.RedisURL != "redis://host:1" || c.Other.Token != "two\n" {
		t.Errorf("read %+v", *c)
	}
	if got := os.Getenv("PGPASSWORD"); got != "p ss" {
		t.Errorf("the driver finds the password %q", got)
	}
}

func TestWhatIsWrongWithSecretsIsSaidAtOnce(t *testing.T) {
	missing, empty := filepath.Join(t.TempDir(), "none"), secretFile(t, "\n")
	_, err := load(secretsConfig{Config: Config{HTTPAddr: "port"}}, All, map[string]string{
		"DATABASE_URL": "postgres://role:hidden@host/name", "DATABASE_URL_FILE": secretFile(t, "postgres://role:hidden@host/name"),
		"REDIS_URL_FILE": missing, "GATEWAY_TOKEN_FILE": empty, "SHUTDOWN_TIMEOUT": "soon",
	})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"DATABASE_URL is set, and DATABASE_URL_FILE as well", "REDIS_URL_FILE: open " + missing, "GATEWAY_TOKEN_FILE: " + empty + " is empty",
		`SHUTDOWN_TIMEOUT: unable to parse duration: time: invalid duration "soon"`, `HTTP_ADDR is "port"`,
	} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("%q is not said, or twice, in:\n%v", want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 5 || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%d lines, of 5:\n%v", lines, err)
	}
}

func TestTheVariablesNameTheFilesOfSecrets(t *testing.T) {
	var out bytes.Buffer
	if err := PrintVariables(&out, secretsConfig{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DATABASE_URL_FILE ", "PGPASSWORD_FILE ", "REDIS_URL_FILE ", "GATEWAY_TOKEN_FILE "} {
		if !strings.Contains(out.String(), "\n"+want) {
			t.Errorf("%s is not in\n%s", want, &out)
		}
	}
}
