# The verbs of the project; CI calls the same ones. `make help` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PIP_FLAGS ?=
HOST ?= 127.0.0.1
PORT ?= 8000
CATALOG ?= auto
KILLS ?= 100
MUTATIONS ?= 10000
ARGS ?=
# test processes; the tests of a file stay together, since they share what is dear to set up, and
# run in the order of the folders: the slow ones come early
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)

# Stamps: an install runs again only when what it depends on has changed.
RUNTIME := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help setup demo test quality faults hostile browser redis nginx check lint types imports spelling audit-deps translations format \
        migrations-check wheel-check bench docs lock clean

help: ## Show the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEV) ## Make .venv with shopsearch and everything to work on it

demo: $(RUNTIME) ## Index a demo shop and serve it; HOST=, PORT=, CATALOG=auto|vendure|drawn
	$(BIN)/shopsearch demo --catalog $(CATALOG) --host $(HOST) --port $(PORT)

# one thread to a process: those of two that compute would wait for each other, ten times as long
test faults hostile: export OMP_NUM_THREADS = 1
test faults hostile: export OPENBLAS_NUM_THREADS = 1

test: $(DEV) browser redis nginx ## Run the tests; ARGS="-k filter" for some of them
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not quality" $(ARGS)

quality: $(DEV) ## Measure the shipped model on real data (minutes; needs ../shared/data)
	$(BIN)/python -m pytest -m quality $(ARGS)

faults: $(DEV) ## Kill, starve and break indexing at every step (minutes); KILLS=100 at random moments
	SHOPSEARCH_TEST_KILLS=$(KILLS) SHOPSEARCH_TEST_PRODUCTS=60 $(BIN)/python -m pytest tests/faults $(ARGS)

hostile: $(DEV) ## Damage 10,000 pictures of each format at random (minutes); MUTATIONS=10000
	SHOPSEARCH_TEST_MUTATIONS=$(MUTATIONS) $(BIN)/python -m pytest -s tests/server/hostile $(ARGS)

# $(call installed,PROGRAMS,PACKAGES,WHAT,OTHERS): as root of a Debian, install what brings one of the
# programs; where that cannot be done, one of the others does too
define installed
@if $(foreach program,$(1),command -v $(program) >/dev/null ||) false; then :; \
elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $(2) >/dev/null; } \
  || $(foreach program,$(4),command -v $(program) >/dev/null ||) [ -z "$$CI" ] || exit 1; \
elif $(foreach program,$(4),command -v $(program) >/dev/null ||) false; then :; \
else echo "no $(3) here: the tests of it will be skipped (Debian: apt install $(firstword $(2)))"; fi
endef

browser: ## Install Chromium for the browser tests, where that can be done
	$(call installed,chromium-headless-shell,chromium-headless-shell fonts-dejavu-core,Chromium,chromium google-chrome)

redis: ## Install a Redis server for the tests of shared limits, where that can be done
	$(call installed,redis-server,redis-server,redis-server)

nginx: ## Install nginx for the tests of several nodes, where that can be done
	$(call installed,nginx,nginx-light,nginx)

check: lint types imports spelling ## Everything that needs no test run

lint: $(DEV) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV) ## mypy, strict
	$(BIN)/mypy

imports: $(DEV) ## import-linter: imports go one way
	$(BIN)/lint-imports

spelling: $(DEV) ## codespell
	$(BIN)/codespell

audit-deps: $(DEV) ## Known vulnerabilities of constraints.txt; ARGS=--required fails without network
	$(BIN)/python .ci/audit_dependencies.py $(ARGS)

translations: $(DEV) ## Bring web/translations into step with the pages; ARGS=fr adds a language
	$(BIN)/python .ci/translations.py $(ARGS)

format: $(DEV) ## Put the code into the form that lint asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrations-check: $(DEV) ## Migrations up, down, up; models and migrations agree
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export SHOPSEARCH_DATABASE_URL="sqlite:///$$folder/check.db" && \
	$(BIN)/alembic upgrade head && $(BIN)/alembic downgrade base && \
	$(BIN)/alembic upgrade head && $(BIN)/alembic check

wheel-check: $(DEV) ## Build the wheel; it works without a checkout
	rm -rf dist
	$(BIN)/python -m hatchling build -t wheel
	$(BIN)/python .ci/check_wheel.py dist/*.whl

bench: $(DEV) ## Run the benchmarks; each prints ratios of one run, and the machine
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(DEV) ## Write the generated parts of docs/ anew (settings, commands)
	$(BIN)/python docs/reference.py

lock: $(DEV) ## Pin what is installed now in constraints.txt
	$(BIN)/python .ci/lock.py > constraints.new && mv constraints.new constraints.txt

clean: ## Remove what was built; .venv and .shopsearch stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "shopsearch needs Python 3.11 or newer: name one with make PYTHON=..."; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip # the one of Python 3.11 takes three times as long

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing shopsearch into $(VENV): the first time takes some minutes"
	$(BIN)/python -m pip install -q $(PIP_FLAGS) -c constraints.txt -e .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing shopsearch and its tools into $(VENV): the first time takes some minutes"
	$(BIN)/python -m pip install -q $(PIP_FLAGS) -c constraints.txt -e ".[dev]"
	@touch $(RUNTIME) $@
