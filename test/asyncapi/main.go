// Asyncapi writes docs/asyncapi.yaml, the description of every topic and event (AsyncAPI 3.0), from the
// registries of events that the services themselves decode by. `make docs` runs it; a test says when the file
// is not current.
package main

import (
	"fmt"
	"os"
)

func main() {
	text, err := generate(topics())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(text); err != nil {
		os.Exit(1)
	}
}
