# Two commands: `make demo` shows it, `make test` proves it. `make help` lists the rest.

SHELL := /bin/bash
unexport PYTHONDONTWRITEBYTECODE
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= .data
PUBLIC ?= 1
BENCH ?= first
ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.parley-installed
.PHONY: help demo test unit lint bench soak eval pins clean packages

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
	@echo "  variables: PORT=$(PORT) HOST=$(HOST) DATA=$(DATA) PUBLIC=$(PUBLIC) VENV=$(VENV) BENCH=$(BENCH) ARGS="

demo: $(STAMP) ## Start everything on http://HOST:PORT with a demo company (PUBLIC=0: nobody calls by itself)
	@[ -f $(DATA)/parley.db ] || { echo "preparing $(DATA): database, demo company, search index (half a minute, once) …" \
	  && $(BIN)/python -m gateway prepare --data $(DATA); }
	@exec env PARLEY_PUBLIC=$(PUBLIC) PARLEY_DEMO_STAFF=$(PUBLIC) \
	  $(BIN)/python -m gateway up --host $(HOST) --port $(PORT) --data $(DATA)

test: ## Everything: packages, lint, types, import rules, all tests
	@$(MAKE) --no-print-directory -j 2 packages $(STAMP)
	@VENV=$(VENV) PYTEST_ADDOPTS='$(ARGS)' .ci/check lint_and_unit rest

unit: $(STAMP) ## Only the tests that need no server (ARGS="-k codec")
	@VENV=$(VENV) PYTEST_ADDOPTS='$(ARGS)' .ci/check unit

lint: $(STAMP) ## Format, lint, types, import rules
	@VENV=$(VENV) .ci/check lint

bench: $(STAMP) ## Measure and print a table (BENCH=name, or ARGS="--json FILE")
	@$(BIN)/python -m evals bench $(BENCH) $(ARGS)

soak: packages $(STAMP) ## Long runs under load, a fault in each (ARGS="--soak-rate 20 --soak-seconds 60")
	@$(BIN)/python -m pytest tests/chaos tests/parts --soak -s $(ARGS)

eval: $(STAMP) ## Play the front desk's conversations and judge them
	@$(BIN)/python -m evals run evals/suites/front-desk.yaml $(ARGS)

pins: ## Write requirements.txt from what is installed in VENV
	@$(BIN)/python .ci/pins.py > requirements.txt.new && mv requirements.txt.new requirements.txt

clean: ## Remove the environment, caches and the demo's data
	rm -rf $(VENV) $(DATA) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

packages: ## Install (root) or name (others) the Debian packages that the tests need
	@.ci/packages-ready

$(STAMP): requirements.txt .ci/environment
	@PYTHON=$(PYTHON) VENV=$(VENV) .ci/environment
	@touch $(STAMP)
