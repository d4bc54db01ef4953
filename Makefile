# What you need is Go. The tests find or start their own servers: see
# internal/testserver.
GO ?= go
NEXT ?= go1.27.0
GOLANGCI_LINT ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 20000x

SOAK ?= 10m

.PHONY: demo test test-next test-versions model soak bench bench-compare lint fuzz

demo: ## the main job, on SQLite, in under 20 seconds
	$(GO) run ./examples/quickstart

test: ## all tests, with the race detector; then those that measure, without it
	$(GO) test -race -shuffle=on -timeout 20m $$($(GO) list ./... | grep -v /integration)
	$(GO) test -race -shuffle=on -p 1 -parallel 1 -timeout 20m ./integration/...
	$(GO) test -run "Alloc|Heap|Weigh|Model" . ./dialect ./internal/resultset ./local ./invalidation
	$(GO) test -run Crowd -v ./integration

test-next: ## what has code of its own for the next Go
	GOTOOLCHAIN=$(NEXT) $(GO) test ./internal/resultset ./dialect .
	GOTOOLCHAIN=$(NEXT) $(GO) test -run "Scan|Type|Fresh|Twin" ./dialect/...

test-versions: ## other versions of the servers, in containers
	./.ci/versions

model: ## the search of TestModel to its end where it has one: minutes, 16 GB
	QUERYCACHE_TEST_MODEL=60000000 $(GO) test -run TestModel -v -timeout 2h -parallel 1 ./invalidation

soak: ## processes that read and write while one random fault comes after the other, for SOAK
	QUERYCACHE_TEST_SOAK=$(SOAK) $(GO) test -run 'TestSoak$$' -v -count 1 -timeout 24h ./integration

bench: ## hit, miss and pass-through next to the empty driver, as ratios
	$(GO) test -run '^$$' -bench . -benchmem -count 1 ./...

bench-compare: ## the same program over other ways to remember answers: what each does, what a hit costs
	cd bench && $(GO) vet ./... && $(GO) test -v -count 1 -bench . ./...

lint: ## gofmt, go vet and the linters of .golangci.yml
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(GOLANGCI_LINT) run ./...

fuzz: ## every fuzz target for FUZZTIME, a number of inputs or a time
	GO="$(GO)" ./.ci/fuzz $(FUZZTIME)
