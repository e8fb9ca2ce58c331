# The verbs. Each does what it needs first, and nothing twice.

PYTHON ?= python3
ARCH ?= arm64
FUZZ_RUNS ?= 1000000
REMAP = $(foreach folder,$(CURDIR)=. $(CARGO_TARGET_DIR:%=%=target) $(or $(CARGO_HOME),$(HOME)/.cargo)=cargo,--remap-path-prefix=$(folder))
CLOUD_TESTS = cargo test --workspace -- --ignored --test-threads=1

.DEFAULT_GOAL := help
.PHONY: help build up down demo compat test check gate advisories soak bench fuzz fmt package bootstraps twice

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## builds the functions, the command and the two virtual environments
	@$(PYTHON) local/up.py build

up: ## brings the local cloud up, with the template deployed on it and the sample policy applied
	@$(PYTHON) local/up.py

down: ## stops the local cloud
	@$(PYTHON) local/up.py down

demo: ## tells the product's story on the local cloud
	@$(PYTHON) demo/demo.py

compat: up ## stock clients of PagerDuty, Opsgenie and Prometheus against the local cloud
	@$(PYTHON) compat/compat.py

test: up ## every test, those on the local cloud included
	cargo test --workspace
	$(CLOUD_TESTS)

check: ## the gate, and all that CI runs: format, lints, documents, tests, template, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo test --workspace
	$(MAKE) --no-print-directory build
	$(MAKE) --no-print-directory gate
	trap '$(PYTHON) local/up.py down' EXIT; $(PYTHON) local/up.py && $(CLOUD_TESTS)

gate: ## checks the template, translated to what AWS deploys, and what we depend on
	@$(PYTHON) local/up.py checkov
	.venv/tools/bin/python infra/rules_test.py
	.venv/tools/bin/python infra/gate.py
	$(PYTHON) infra/dependencies.py

advisories: ## asks the network what became known of what we depend on; no part of the gate
	@$(PYTHON) infra/advisories.py

soak: ## the journeys with 5 % of all calls broken, 200 seeds; FAULT_SEED=n makes one again
	FAULT_SEEDS=200 cargo test -p watchkeeper --test it inv11 -- --nocapture

bench: ## what the release binaries cost, beside their budgets
	cargo bench -p watchkeeper --bench functions

fuzz: ## a million mutated bodies and headers through each parser and the verifier, or as many as FUZZ_RUNS says
	FUZZ_RUNS=$(FUZZ_RUNS) cargo test --profile fuzz -p watchkeeper --lib fuzz::

fmt: ## formats the code
	cargo fmt --all

package: bootstraps ## builds the functions for AWS, ARCH=arm64 or x86-64, into target/lambda, and says what is in them
	rm -f target/lambda/.*.built-from
	$(PYTHON) infra/sbom.py $(ARCH) target/lambda

# Where somebody keeps the source, the crates and what is built is nobody's business, and no reason for other bytes.
bootstraps:
	@$(PYTHON) local/up.py tools
	RUSTFLAGS="$(REMAP)" PATH="$(CURDIR)/.venv/tools/bin:$$PATH" .venv/tools/bin/cargo-lambda lambda build --release -p watchkeeper \
		$(FUNCTION:%=--bin %) --$(ARCH) --lambda-dir target/lambda

twice: ## builds FUNCTION=name, or route, in two folders, and says whether the two are the same to the byte
	@$(PYTHON) infra/twice.py $(ARCH) $(or $(FUNCTION),route)
