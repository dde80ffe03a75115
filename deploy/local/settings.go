package main

import (
	"os"
	"strings"
)

// writeSettings keeps each service's configuration as .local/<service>.env, which a shell can read, so that
// its other commands can be run beside it: `. .local/manager-ui.env && bin/manager-ui dead-letters list`.
func (l *launcher) writeSettings(p parts) error {
	for _, s := range services {
		// The file holds a password: nobody else reads it, whatever was there before.
		path := l.data(s.name + ".env")
		if err := os.WriteFile(path, []byte(shell(append(s.settings(p), s.migration(p)...))), 0o600); err != nil {
			return err
		}
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// shell writes NAME=value pairs as a shell reads them.
func shell(settings []string) string {
	var b strings.Builder
	for _, pair := range settings {
		name, value, _ := strings.Cut(pair, "=")
		b.WriteString("export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'\n")
	}
	return b.String()
}
