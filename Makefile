# One target for each task. Everything is installed into .venv, from requirements*.lock. A line that begins with ##@ opens
# a group of `make help`; a target is listed there by the text behind its ##.
PYTHON ?= python3
# Arguments for pytest and the benches.
ARGS ?=
# How many requests of each operation make fuzz sends to each tenant.
REQUESTS ?= 300

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK = $(BIN)/uv pip compile setup.cfg --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"
# The locks are complete, so --no-deps: without it, pip 23 replaces a locked package that another one needs with extras.
INSTALL := $(PIP) install --no-deps
DESCRIPTION := setup.cfg pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup run test conformance fuzz bench bench-concurrency bench-peers docs docs-site lint format lock dist

help: ## Show this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

##@ Run

setup: .venv/dev.stamp ## Install Vestibule, the test tools and the linters into .venv
	@echo "Vestibule is installed in .venv; make run serves it."

run: .venv/run.stamp ## Serve a demo tenant on http://127.0.0.1:8080, with its data in var/
	@$(BIN)/vestibule migrate
	@$(BIN)/vestibule serve --demo

##@ Test

test: .venv/dev.stamp ## Run the tests, on SQLite and on Postgres: make test ARGS="tests/scim -k filter"
	$(BIN)/python -m pytest $(ARGS)

conformance: .venv/dev.stamp ## Run third-party conformance suites against a live server
	$(BIN)/python -m pytest tests/conformance $(ARGS)

fuzz: .venv/dev.stamp ## Send random requests to a live server, made from its OpenAPI document: make fuzz REQUESTS=1000
	VESTIBULE_FUZZ=$(REQUESTS) $(BIN)/python -m pytest tests/fuzz $(ARGS)

lint: .venv/dev.stamp ## Check style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: .venv/dev.stamp ## Format the code and sort its imports
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

##@ Measure

bench: .venv/dev.stamp ## Measure what a request costs: make bench ARGS="--sizes 1000 100000 1000000"
	$(BIN)/python -m bench $(ARGS)

bench-concurrency: .venv/dev.stamp ## Measure many clients at once, and how many tenants are served in time
	$(BIN)/python -m bench.concurrency $(ARGS)

bench-peers: .venv/dev.stamp ## Measure Vestibule beside scim2-server, which is installed in build/
	$(BIN)/python -m bench.peers $(ARGS)

##@ Docs

docs: .venv/dev.stamp ## Write the tables of docs/conformance.md from the tests
	$(BIN)/python -m tests.conformance_page

docs-site: .venv/docs.stamp ## Build the documentation into build/site/; a broken link is an error
	$(BIN)/zensical build --clean --strict

##@ Release

lock: .venv/venv.stamp ## Pin the newest versions that setup.cfg allows into requirements*.lock
	$(PIP) install uv
	$(LOCK) --output-file requirements.lock
	$(LOCK) --extra test --extra conformance --extra lint --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) --extra docs --constraint requirements-dev.lock --output-file requirements-docs.lock

dist: .venv/venv.stamp ## Build the wheel of this version into dist/
	rm -rf build/lib dist   # setuptools would pack modules that were deleted since the last build
	$(PIP) wheel --no-deps --wheel-dir dist .

.venv/venv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Vestibule needs Python 3.11 or newer, and \
	$(PYTHON) is not: name another one, as in make PYTHON=python3.12 $(or $(MAKECMDGOALS),setup)" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/run.stamp: .venv/venv.stamp requirements.lock $(DESCRIPTION)
	$(INSTALL) --require-hashes --requirement requirements.lock
	$(INSTALL) --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	$(INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@

.venv/docs.stamp: .venv/run.stamp requirements-docs.lock
	$(INSTALL) --require-hashes --requirement requirements-docs.lock
	@touch $@
