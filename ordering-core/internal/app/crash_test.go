package app_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"countersign.example/ordering-core/internal/app"
	"countersign.example/pkg/service/servicetest"
)

// runAsService makes this test binary the service, so that a test can kill it like one.
const runAsService = "TEST_RUN_AS_ORDERING_CORE"

func TestMain(m *testing.M) {
	if os.Getenv(runAsService) != "" {
		app.Program().Main()
	}
	os.Exit(m.Run())
}

// spawn starts the core as a process of its own.
func (h *harness) spawn() *exec.Cmd {
	h.t.Helper()
	executable, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	var services []string
	for name, token := range tokens {
		services = append(services, name+"="+token)
	}
	cmd := exec.Command(executable, "all")
	cmd.Env = append(os.Environ(), runAsService+"=1", "HTTP_ADDR="+h.cfg.HTTPAddr, "ADMIN_ADDR=127.0.0.1:0", "DATABASE_URL="+h.cfg.DatabaseURL,
		"KAFKA_BROKERS="+h.broker.Addr(), "SERVICE_TOKENS="+strings.Join(services, ","), "LOG_LEVEL=error")
	cmd.Env = append(cmd.Env, h.keys.Environment("ordering-core")...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	servicetest.Ready(h.t, h.cfg.HTTPAddr)
	return cmd
}

// TestKilledWhileManySubmit also shows that an answer that got lost is given again.
func TestKilledWhileManySubmit(t *testing.T) {
	// given a core in the middle of submits
	h := newHarness(t)
	core := h.spawn()
	fence, garden := h.product("FENCE", 12_50), h.customer("Garden Ltd")
	const many = 60
	drafts := make([]string, many)
	for i := range drafts {
		drafts[i] = h.draft(fence, garden)
	}
	submit := func(id string) (string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.cfg.HTTPAddr+"/orders/"+id+"/submit",
			strings.NewReader(`{"actor":`+ada+`,"sequence":3,"total":{"amount":2500,"currency":"EUR"}}`))
		if err != nil {
			return "", err
		}
		request.Header.Set("Authorization", "Bearer "+tokens[contractorUI])
		request.Header.Set("Idempotency-Key", "submit-"+id)
		request.Header.Set("Content-Type", "application/json")
		response, err := h.http.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", response.Status, text)
		}
		return string(text), err
	}

	// when it is killed after the first answers
	before := make([]string, many)
	answered := make(chan struct{}, many)
	var wg sync.WaitGroup
	for i, id := range drafts {
		wg.Go(func() {
			var err error
			if before[i], err = submit(id); err == nil {
				answered <- struct{}{}
			} else {
				before[i] = ""
			}
		})
	}
	for range 5 {
		<-answered
	}
	_ = core.Process.Kill()
	_ = core.Wait()
	wg.Wait()

	// and started again, and everybody sends again what they sent
	h.start()
	var numbers []string
	for i, id := range drafts {
		again, err := submit(id)
		if err != nil {
			t.Fatal(err)
		}
		if before[i] != "" && !sameJSON(before[i], again) {
			t.Errorf("answered %s, and then %s", before[i], again)
		}
		numbers = append(numbers, h.get("/orders/" + id).body["number"].(string))
	}

	// then every order was submitted once, and the numbers have neither gaps nor repeats
	slices.Sort(numbers)
	for i, number := range numbers {
		if want := fmt.Sprintf("/%06d", i+1); !strings.HasSuffix(number, want) {
			t.Fatalf("number %d is %s", i+1, number)
		}
	}
	h.settled()
	var wrong int
	if err := h.db.Pool().QueryRow(t.Context(), `select count(*) from (select from journal where stream like 'order-%'
		group by stream having count(*) <> 4 or max(log) <> 4 or max(sequence) <> 4) as orders`).Scan(&wrong); err != nil || wrong != 0 {
		t.Errorf("%d orders have other events, %v", wrong, err)
	}
}
