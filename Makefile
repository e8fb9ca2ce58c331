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
