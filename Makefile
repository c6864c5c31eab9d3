# Two commands set everything up: `make demo` and `make test`. The rest is for those who change things.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help

BIN := .venv/bin
# What npm brought, run by the Node of the virtual environment.
NPM_BIN := $(BIN)/node node_modules/.bin
DEMO_ARGS ?=
PYTEST_ARGS ?=
# One private database server for each worker; more than four bring nothing on usual machines.
TIMES := .pytest_cache/times.json
PYTEST_WORKERS ?= -n auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --python-version 3.11

# The suite starts programs by the dozen: each would compile the house anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-containers images test-fast test-times lint fmt bench lock clean setup setup-tests setup-tools

help: ## Show what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Everything on this machine: servers, a world with real places, sensors, pages (Ctrl-C ends it)
	@exec $(BIN)/rantai demo $(DEMO_ARGS)

test: setup-tests ## The whole suite, on containers where a Docker engine has them, else on private servers
	@exec $(BIN)/pytest $(PYTEST_WORKERS) --times=$(TIMES) $(PYTEST_ARGS)

test-containers: setup-tests ## Ingest, database and API on containers, and docker-compose.yml itself; starts an engine where root may
	@exec bash tests/containers/run.sh

images: setup-tools ## Have the images of docker-compose.yml: pulled, else stand-ins built from Debian's packages
	@exec bash deploy/stand-ins/images.sh

test-fast: setup-tools ## Rules and documents: no server is started
	@exec $(BIN)/pytest $(PYTEST_WORKERS) $(PYTEST_ARGS) tests/unit

test-times: ## Where the time of the last `make test` went, and what is over tests/budget.toml
	@$(BIN)/python -m tests.support.times $(TIMES)

lint: setup-tools ## Style and types of programs, tests and pages, and which room may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/djangofmt --check dashboard
	@$(BIN)/djangofmt check dashboard
	@$(NPM_BIN)/biome check --error-on-warnings
	@$(NPM_BIN)/tsc
	@$(BIN)/lint-imports

fmt: setup-tools ## Put code and pages into shape
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@$(BIN)/djangofmt --quiet dashboard
	@$(NPM_BIN)/biome format --write

bench: setup-tests ## Measure the speeds that benchmarks/README.md promises
	@exec $(BIN)/python -m benchmarks $(BENCH_ARGS)

lock: setup-tools ## Resolve the dependencies anew and write the hashed lists
	@$(UV_COMPILE) pyproject.toml --output-file requirements.lock
	@$(UV_COMPILE) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm install --package-lock-only

clean: ## Forget the demo's data and what tools left behind (keeps .venv)
	@if [ -x $(BIN)/python ]; then PYTHONPATH=. $(BIN)/python -m rantai.local.forget .rantai; else rm -rf .rantai; fi
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache dist build
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

setup:
	@bash rantai/local/setup.sh demo

setup-tests:
	@bash rantai/local/setup.sh tests

setup-tools:
	@bash rantai/local/setup.sh tools
