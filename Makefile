<<<<<<< HEAD
# The verbs of this repository. Rust and Python 3 are all they need.
.DEFAULT_GOAL := help
.PHONY: help build up down demo test check bench fmt package
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
ARCHITECTURE ?= arm64

# Tests that need the local cloud find it by what `make up` writes.
local_tests = set -a; . target/local/env; set +a; cargo test --workspace -- --ignored

help: ## Show the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the functions for the local cloud, and the command target/release/watchkeeper
	@python3 local/up.py build

up: ## Bring the local cloud up, with the template deployed and the sample policy applied
	@python3 local/up.py

down: ## Stop the local cloud
	@python3 local/up.py down

demo: ## Tell the story of an alert in under a minute
	@python3 demo/demo.py

test: up ## Run every test, those on the local cloud included; the cloud stays up
	cargo test --workspace
	$(local_tests)

check: ## The gate: format, lints, tests, documents, template, and the tests on the local cloud
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	python3 local/up.py tools
	.venv/tools/bin/python infra/gate.py
	trap 'python3 local/up.py down' EXIT; python3 local/up.py; $(local_tests)

bench: ## Measure size, start and speed of the release binaries against their budgets
	cargo bench -p watchkeeper

fmt: ## Format everything
	cargo fmt --all

package: ## Build the functions for AWS (ARCHITECTURE=arm64 or x86_64), ready for sam deploy
	@python3 local/up.py tools
	PATH="$(CURDIR)/.venv/tools/bin:$$PATH" .venv/tools/bin/cargo-lambda lambda build --release -p watchkeeper \
		--lambda-dir target/lambda $(if $(filter x86_64,$(ARCHITECTURE)),--x86-64,--arm64)
	rm -f target/lambda/.*.built-from
=======
# The verbs. Each does what it needs first, and nothing twice.

PYTHON ?= python3
ARCH ?= arm64
CLOUD_TESTS = cargo test --workspace -- --ignored --test-threads=1

.DEFAULT_GOAL := help
.PHONY: help build up down demo test check gate bench fmt package

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## builds the functions, the command and the two virtual environments
	@$(PYTHON) local/up.py build

up: ## brings the local cloud up, with the template deployed on it and the sample policy applied
	@$(PYTHON) local/up.py

down: ## stops the local cloud
	@$(PYTHON) local/up.py down

demo: ## tells the product's story on the local cloud
	@$(PYTHON) demo/demo.py

test: up ## every test, those on the local cloud included
	cargo test --workspace
	$(CLOUD_TESTS)

check: ## the gate, and all that CI runs: format, lints, documents, tests, template
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo test --workspace
	$(MAKE) --no-print-directory build
	$(MAKE) --no-print-directory gate
	$(PYTHON) local/up.py
	$(CLOUD_TESTS); status=$$?; $(PYTHON) local/up.py down; exit $$status

gate: ## checks the template, translated to what AWS deploys
	.venv/tools/bin/python infra/gate.py

bench: ## what the release binaries cost, beside their budgets
	cargo bench -p watchkeeper --bench functions

fmt: ## formats the code
	cargo fmt --all

package: build ## builds the functions for AWS, ARCH=arm64 or x86_64, into target/lambda
	.venv/tools/bin/cargo-lambda lambda build --release -p watchkeeper --$(ARCH) --lambda-dir target/lambda
>>>>>>> main
