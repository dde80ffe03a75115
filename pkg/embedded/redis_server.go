package embedded

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SecuredRedis says how a real redis-server runs that takes TLS alone, and lets each user do what a file
// says.
type SecuredRedis struct {
	Dir                       string // for the file of users; the data are kept in memory
	Port                      int
	CertFile, KeyFile, CAFile string
	UsersFile                 string            // an ACL file, with @user@ for the SHA-256 of a password
	Passwords                 map[string]string // by user
}

// Arguments writes the file of users and returns what redis-server is started with.
func (c SecuredRedis) Arguments() ([]string, error) {
	rules, err := os.ReadFile(c.UsersFile)
	if err != nil {
		return nil, err
	}
	users := string(rules)
	for user, password := range c.Passwords {
		users = strings.ReplaceAll(users, "@"+user+"@", fmt.Sprintf("%x", sha256.Sum256([]byte(password))))
	}
	file := filepath.Join(c.Dir, "users.acl")
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, []byte(users), 0o600); err != nil {
		return nil, err
	}
	return []string{
		"--bind", "127.0.0.1", "--port", "0", "--tls-port", strconv.Itoa(c.Port), "--tls-cert-file", c.CertFile, "--tls-key-file", c.KeyFile,
		"--tls-ca-cert-file", c.CAFile, "--tls-auth-clients", "no", "--aclfile", file, "--dir", c.Dir, "--save", "", "--appendonly", "no",
	}, nil
}
