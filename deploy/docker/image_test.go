package docker

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"golang.org/x/mod/modfile"
)

// modules are the folders that the images are built from, by image.
func modules(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for image, services := range ours(loadCompose(t)) {
		found[image] = *buildOf(t, image, services).Args["MODULE"]
	}
	return found
}

// needs are a module's folder, and those of the modules here that it needs. The cores need each other.
func needs(t *testing.T, module string) []string {
	t.Helper()
	found := []string{module}
	for i := 0; i < len(found); i++ {
		text, err := os.ReadFile(filepath.Join(root, found[i], "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		file, err := modfile.ParseLax("go.mod", text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, require := range file.Require {
			if name, here := strings.CutPrefix(require.Mod.Path, "countersign.example/"); here && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestWhatImagesAreBuiltFromIsSentToTheBuilder(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for image, module := range modules(t) {
		for _, folder := range needs(t, module) {
			for _, file := range []string{"go.mod", "go.sum"} {
				path := folder + "/" + file
				if left, err := ignored.MatchesOrParentMatches(path); err != nil || left {
					t.Errorf("%s is built from %s, which .dockerignore leaves out (%v)", image, path, err)
				}
			}
		}
	}
}

func TestTheDockerfileCopiesWhatEachModuleNeeds(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for image, module := range modules(t) {
		for _, folder := range needs(t, module) {
			if folder == module {
				folder = "${MODULE}"
			}
			for _, line := range []string{"COPY " + folder + "/go.mod " + folder + "/go.sum " + folder + "/\n", "COPY " + folder + " " + folder + "\n"} {
				if !bytes.Contains(text, []byte(line)) {
					t.Errorf("%s needs %s, and the Dockerfile lacks: %s", image, folder, line)
				}
			}
		}
	}
}

func TestImagesAreBuiltOnceAndAskedOfNoRegistry(t *testing.T) {
	for image, services := range ours(loadCompose(t)) {
		buildOf(t, image, services)
		for _, service := range services {
			if service.PullPolicy != types.PullPolicyNever {
				t.Errorf("%s may come from whoever owns %s at a registry", service.Name, image)
			}
		}
	}
}

// pinned is an image with its exact version, and mostly with the digest of its bytes.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:(v?[0-9]+(\.[0-9]+)+[a-z0-9.-]*|nonroot)(@sha256:[0-9a-f]{64})?$`)

func TestImagesOfOthersArePinned(t *testing.T) {
	for _, service := range loadCompose(t).Services {
		if !strings.HasPrefix(service.Image, "countersign/") && !pinned.MatchString(service.Image) {
			t.Errorf("%s runs whatever %s is today", service.Name, service.Image)
		}
	}
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllSubmatch(text, -1) {
		image := string(from[1])
		if name, isArg := strings.CutPrefix(image, "${"); isArg {
			name = strings.TrimSuffix(name, "}")
			value := regexp.MustCompile(`(?m)^ARG ` + name + `=(\S+)$`).FindSubmatch(text)
			if value == nil {
				t.Errorf("nothing says what %s is", image)
				continue
			}
			image = string(value[1])
		}
		if !pinned.MatchString(image) || !strings.Contains(image, "@sha256:") {
			t.Errorf("images are built on whatever %s is today", image)
		}
	}
}

// In an image a module is built without the workspace, by its own go.mod and go.sum.
func TestModulesNameAllThatTheyNeed(t *testing.T) {
	for _, module := range modules(t) {
		cmd := exec.Command("go", "list", "-deps", "./...")
		cmd.Dir, cmd.Env = filepath.Join(root, module), append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v (go mod tidy there, with GOWORK=off)\n%s", module, err, stderr.String())
		}
	}
}
