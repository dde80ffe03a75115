// Package e2e plays the story as people would: two web apps, real browsers, every service as
// its own process.
package e2e

import (
	"os"
	"testing"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestMain(m *testing.M) {
	code := m.Run()
	browser.Quit()
	testsystem.Cleanup()
	os.Exit(code)
}
