# Every command of the repository; `make help` lists them.

MODULES := pkg payments-core ordering-core contractor-ui manager-ui deploy test
PACKAGES := $(addprefix ./,$(addsuffix /...,$(filter-out test,$(MODULES))))

GOLANGCI_VERSION := v2.15.0
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/countersign/golangci-lint-$(GOLANGCI_VERSION)
GOLANGCI := $(TOOLS)/golangci-lint

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(if $(shell command -v gcc || command -v clang),-race)

.DEFAULT_GOAL := help
.PHONY: help run production-like production-like-test reset build assets test go-test lint fmt docs licences sbom alarms dashboards kafka topics tail dead-letters reconcile bench faults containers ci launcher browser go

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: launcher ## Start everything on this machine; Ctrl-C stops it
	@exec bin/local run

production-like: launcher ## Start everything as in production: TLS everywhere, real Kafka and Redis
	@exec bin/local production-like

production-like-test: launcher browser ## Play the story in a browser against production-like
	@exec bin/local production-like -- go test -count=1 -timeout 5m -run '^TestTheStoryInProduction$$' ./test/e2e

reset: launcher ## Forget the data of `make run` (.local/)
	@bin/local reset

build: launcher ## Build the web assets and the binaries into bin/
	@bin/local build

assets: launcher ## Build the web assets if they are stale
	@bin/local assets

test: launcher browser ## Run every test; sets up what it needs
	@bin/local build
	@bin/local with-postgres -- $(MAKE) --no-print-directory go-test

# Needs TEST_DATABASE_URL and the binaries: what `make test` sets up.
go-test:
	go test $(RACE) -p 3 -timeout 20m $(PACKAGES)
	TEST_BIN=$(CURDIR)/bin go test -p 1 -parallel 4 -timeout 20m -count=1 ./test/...

lint: $(GOLANGCI) launcher ## gofmt, go vet, golangci-lint, and each module by itself
	@bin/local assets
	@unformatted=$$(gofmt -l $(MODULES) | grep -v node_modules || true); \
	  test -z "$$unformatted" || { echo "not formatted (make fmt): $$unformatted" >&2; exit 1; }
	@set -e; for module in $(MODULES); do \
	  echo "$$module: build alone, vet, lint"; \
	  (cd $$module && GOWORK=off go build ./... && GOWORK=off go vet ./... && GOWORK=off $(GOLANGCI) run ./...); \
	done

fmt: ## Format the code
	@gofmt -w $(MODULES)

docs: go ## Write docs/asyncapi.yaml anew from the registries of events
	@go run ./test/asyncapi > docs/asyncapi.yaml.new && mv docs/asyncapi.yaml.new docs/asyncapi.yaml

licences: assets ## Write what images and pages contain of others, and its licences
	@go run ./deploy/licences > bin/licences && mv bin/licences pkg/web/static/licences

# The programs, built as for the images, and the browser's bundle, each as CycloneDX.
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

sbom: go ## Write bills of materials (CycloneDX) into sbom/
	@mkdir -p sbom
	@set -e; for program in contractor-ui manager-ui ordering-core payments-core payments-core/cmd/sandbox-gateway; do \
	  name=$${program##*/}; \
	  (cd $$program && GOWORK=off CGO_ENABLED=0 go build -trimpath -o $(CURDIR)/sbom/$$name .); \
	  GOWORK=off go run $(CYCLONEDX) bin -json -licenses -std -version "$$(git describe --always)" -output sbom/$$name.cdx.json sbom/$$name; \
	  rm sbom/$$name; \
	done
	@cd pkg/web/assets && npm sbom --sbom-format cyclonedx --omit dev --package-lock-only > $(CURDIR)/sbom/web-assets.cdx.json
	@ls sbom

kafka: ## Run a real Apache Kafka on 9092 (Java 17, Maven)
	@exec deploy/kafka/run.sh

dashboards: go ## Write the dashboards of Grafana again
	@go run ./deploy/observe deploy/observe/dashboards

alarms: go ## Test the rules of alarms, and what dashboards ask, with Prometheus' own packages
	@cd deploy/observe/alarms && GOWORK=off go test -count=1 ./...

topics: go ## Show topics, offsets and the lag of each group
	@go run ./deploy/kafka/inspect topics

tail: go ## Print messages as they come: make tail TOPIC=payments [FROM=start]
	@test -n "$(TOPIC)" || { echo "which topic? make tail TOPIC=payments" >&2; exit 2; }
	@FROM="$(FROM)" go run ./deploy/kafka/inspect tail "$(TOPIC)"

dead-letters: ## What a service could not record: make dead-letters SERVICE=manager-ui [ARGS="replay 42"]
	@test -n "$(SERVICE)" || { echo "of which service? make dead-letters SERVICE=manager-ui" >&2; exit 2; }
	@test -r ".local/$(SERVICE).env" || { echo "no .local/$(SERVICE).env: there is no such service, or it was never started by make run" >&2; exit 2; }
	@. ./.local/$(SERVICE).env && exec bin/$(SERVICE) dead-letters $(or $(ARGS),list)

reconcile: go ## Compare the databases, the topics and the gateway's record of make run (ARGS=--json)
	@test -r .local/countersign.env || { echo "no .local/countersign.env: make run has not started anything here yet" >&2; exit 2; }
	@go build -o bin/countersign ./deploy/countersign && . ./.local/countersign.env && exec bin/countersign reconcile $(ARGS)

bench: launcher ## Measure speed (by hand, on a quiet machine)
	@bin/local build
	@bin/local with-postgres -- --durable env TEST_BIN=$(CURDIR)/bin go run ./test/bench

faults: launcher ## Break everything for 10 minutes while people work: FAULTS_FOR=60m, SEED= repeats a run
	@bin/local build
	@go build -o bin/faultrun ./test/faultrun
	@deploy/kafka/jars.sh >/dev/null
	@bin/local with-postgres -- true
	@TEST_BIN=$(CURDIR)/bin exec bin/faultrun

containers: ## Play docker compose up from nothing to a stop
	@.ci/containers

ci: ## What CI runs
	@.ci/run

# The rest has no help: steps of the above.

launcher: go
	@go build -o bin/local ./deploy/local

go:
	@command -v go >/dev/null || { echo "go is missing: install Go 1.26 or newer from https://go.dev/dl/" >&2; exit 2; }

# A browser for the story's tests: Debian's chromium without windows, one that is there, or any that CHROMIUM names.
browser:
	@test -z "$$CHROMIUM" || exit 0; \
	for name in chromium-headless-shell chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
	  echo "installing chromium"; apt-get update -qq; export DEBIAN_FRONTEND=noninteractive; \
	  apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null || \
	    apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else \
	  echo "chromium is missing: apt-get install chromium (as root), or set CHROMIUM to a browser's path" >&2; exit 2; \
	fi

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION), once (1.5 minutes)"
	@GOBIN=$(TOOLS) GOWORK=off go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
