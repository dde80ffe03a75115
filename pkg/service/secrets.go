package service

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
)

const (
	fileSuffix           = "_FILE"
	rolePasswordVariable = "PGPASSWORD"
)

func isSecret(field reflect.StructField) bool { return field.Tag.Get("secret") == "true" }

// withSecretFiles is the environment with the secrets of a config struct that are in files. One that is given
// in both ways is refused: nobody could tell which of the two counts.
func withSecretFiles(config any, environment map[string]string) (with map[string]string, wrong []string) {
	with = maps.Clone(environment)
	for field := range settings(reflect.ValueOf(config).Elem()) {
		name := variable(field)
		path := environment[name+fileSuffix]
		if !isSecret(field) || path == "" {
			continue
		}
		secret, err := readSecret(path)
		switch {
		case environment[name] != "":
			wrong = append(wrong, fmt.Sprintf("%s is set, and %s as well: use one of them", name, name+fileSuffix))
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("%s: %v", name+fileSuffix, err))
		}
		with[name] = secret
	}
	return with, wrong
}

// readSecret returns what a file holds, without the end of its line, which editors add.
func readSecret(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err // it names the file
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if secret == "" {
		return "", errors.New(path + " is empty")
	}
	return secret, nil
}
