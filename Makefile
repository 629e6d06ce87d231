# Everything one does with this repository. `make` lists the targets.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help test lint sandbox bench matrix chaos fuzz docs build image smoke

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSION      = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOFLAGS_BIN  = -trimpath -tags timetzdata -ldflags="-s -w -X main.version=$(VERSION)"

# What is passed on: `make sandbox ARGS="-speed 60"`, `make test PKG=./internal/session/...`.
ARGS     ?=
PKG      ?= ./...
TIMEOUT  ?= 30m
CHAOS    ?= 5m
FUZZTIME ?= 30s
BENCH    ?= .
IMAGE    ?= redis-upgrade-bot

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run all tests, with the race detector (the longest lists: one in eight with it, all without); installs redis-server, chromium and Node.js where it can (CI=true: nothing may be skipped)
	@scripts/need
	@TIMEOUT=$(TIMEOUT) scripts/test $(PKG) | go run ./scripts/report

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then printf 'not formatted (run gofmt -w):\n%s\n' "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

sandbox: ## start the bot among emulators, with a page to try it: http://127.0.0.1:8080
	go run ./cmd/sandbox $(ARGS)

bench: ## run the benchmarks of the whole product, about six minutes (BENCH=Ack: only those; docs/benchmarks.md)
	go test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 20m ./internal/bench

smoke: ## read a real account and change nothing: needs REDIS_CLOUD_API_KEY and REDIS_CLOUD_SECRET_KEY
	@go test -count=1 -v -run '^TestSmoke$$' ./internal/cloudtest -args -smoke

chaos: ## kill and freeze real replicas among 200 sessions for CHAOS (5m), and measure takeovers
	CHAOS=$(CHAOS) go test -count=1 -v -timeout 60m -parallel 8 -run 'TestNothingIsLost|TestTakeover' ./internal/chaos

matrix: ## let every write and every outside call of both lives go wrong in every way, and somebody else act there: the full crash matrix, about two hours
	go test -count=1 -v -timeout 240m -run '^TestCrashMatrix' ./internal/upgrade -args -crash.full | awk '!/^ *(=== |time=)/ && !/--- PASS.*points\//'

fuzz: ## run every fuzz target in turn, each for FUZZTIME (30s); what one finds stays in its testdata/fuzz as a test
	@failed=; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$dir/*_test.go); do \
	    echo "$$target in $$dir"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s $$dir || failed="$$failed $$target"; \
	  done; \
	done; if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

docs: ## write the generated parts of docs/ again (every TestDocs… with -update)
	@dirs=$$(grep -rl --include='*_test.go' '^func TestDocs' . | xargs -r -n1 dirname | sort -u || true); \
	if [ -z "$$dirs" ]; then echo 'nothing is generated: there is no TestDocs'; else go test -count=1 -run '^TestDocs' $$dirs -args -update; fi

build: ## build the production binary: bin/bot, static
	CGO_ENABLED=0 go build $(GOFLAGS_BIN) -o bin/bot ./cmd/bot

image: ## build the container image (needs docker)
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE):$(VERSION) .
