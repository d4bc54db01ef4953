# What you need is Go; the demo and the tests start no server.
GO ?= go
GOLANGCI_LINT ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 10s

.PHONY: demo test bench lint fuzz

demo: ## the main job, on SQLite, in under 20 seconds
	$(GO) run ./examples/quickstart

test: ## all tests, with the race detector; then those that measure, without it
	$(GO) test -race -shuffle=on ./...
	$(GO) test -run "Alloc|Heap|Weigh" . ./dialect ./internal/resultset ./local

bench: ## hit, miss and pass-through next to the empty driver, as ratios
	$(GO) test -run '^$$' -bench . -benchmem -count 1 ./...

lint: ## gofmt, go vet and the linters of .golangci.yml
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(GOLANGCI_LINT) run ./...

fuzz: ## every fuzz target for FUZZTIME
	GO="$(GO)" ./.ci/fuzz $(FUZZTIME)
