# The whole vocabulary; `make` alone lists it. Everything is installed into .venv and nowhere else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

# Interpreters to try, in this order; another is named with `make setup PYTHON=/path/to/python`.
PYTHON ?= python3 python3.13 python3.12 python3.11
PYTEST_ARGS ?=
COVERAGE ?= --cov=shopwright
BENCH_ARGS ?=
DOCS_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo

# Nobody's machine-wide Python is fetched or chosen by uv: the one that made .venv is the one that is used.
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# uv brings its own certificates; a machine behind a company's proxy has the right ones in its own store.
# (Two names of one setting: older versions of uv know the second.)
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1
endif

.PHONY: help setup demo test check bench docs lock clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /|/' \
	    | while IFS='|' read -r verb meaning; do printf '  make %-7s %s\n' "$$verb" "$$meaning"; done

setup: $(READY) ## install everything into .venv

# A stamp: instant while the lock and the metadata are unchanged.
$(READY): pyproject.toml requirements/dev.lock requirements/installer.lock $(BIN)/python
	@uv=$(BIN)/uv
	if uv --version >/dev/null 2>&1; then
	    uv=uv
	elif ! $$uv --version >/dev/null 2>&1; then
	    $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/installer.lock
	fi
	echo "Installing the locked packages into $(VENV)"
	$$uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements/dev.lock
	$$uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# Python of any name will do, if it is new enough and can make environments (Debian packages that apart).
$(BIN)/python:
	@for python in $(PYTHON); do
	    if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	        echo "Making $(VENV) with $$($$python --version)"
	        exec $$python -m venv --clear $(VENV)
	    fi
	done
	echo "Shopwright needs Python 3.11 or newer with its venv module. Tried:" >&2
	for python in $(PYTHON); do
	    if ! version=$$($$python --version 2>/dev/null); then
	        echo "  $$python: not found" >&2
	    elif ! $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	        echo "  $$python: $$version is too old" >&2
	    else
	        echo "  $$python: $$version has no venv module; on Debian and Ubuntu: apt-get install $$(basename $$python)-venv" >&2
	    fi
	done
	echo "Install one, or name it: make setup PYTHON=/path/to/python" >&2
	exit 1

demo: setup ## simulate a shop, take it to a tested warehouse, print what was found
	@if [ -e $(DEMO) ] && [ ! -e $(DEMO)/shopwright.toml ]; then
	    echo "$(DEMO) exists and is no Shopwright project; move it away first" >&2
	    exit 1
	fi
	rm -rf $(DEMO)
	set -x
	$(BIN)/shopwright init $(DEMO) --template clickstream --source-path $(DEMO)/raw
	cat examples/demo.toml >> $(DEMO)/shopwright.toml
	$(BIN)/shopwright simulate $(DEMO)/raw --format event_stream --events 200000 --seed 7 --dirty
	$(BIN)/shopwright run --project $(DEMO)
	$(BIN)/shopwright experiment results free_shipping_banner --project $(DEMO) --html $(DEMO)/experiment.html
	set +x
	echo
	echo "Pages and service: $(BIN)/shopwright up --project $(DEMO)"

test: setup ## run the tests; PYTEST_ARGS="-m 'slow or not slow'" runs the slow ones too
	@$(BIN)/python -m pytest $(COVERAGE) -n auto --dist worksteal $(PYTEST_ARGS)

# mypy takes about as long as all other checks together. SQL: the models that changed, in CI all of them.
check: setup ## lint, type-check and prove that the documentation is true
	@failed=
	types=$$(mktemp)
	$(BIN)/mypy >"$$types" 2>&1 &
	mypy=$$!
	run() { echo "· $$*"; "$$@" || failed="$$failed $$(basename $$1)"; }
	run $(BIN)/ruff check .
	run $(BIN)/ruff format --check .
	run $(BIN)/python .ci/check_names.py
	run .ci/lint_sql
	run $(BIN)/lint-imports --no-logo
	run $(BIN)/hadolint infra/docker/service.Dockerfile infra/docker/app.Dockerfile
	run $(BIN)/codespell
	run $(BIN)/python .ci/packages.py --check
	run $(BIN)/python .ci/dependencies.py licences
	run $(BIN)/python -m pytest -q --no-cov tests/docs
	echo "· mypy"
	wait $$mypy || failed="$$failed mypy"
	cat "$$types"
	rm "$$types"
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

bench: setup ## measure on 20 million events, write benchmarks/results.md
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

docs: setup ## write the reference pages, and run the tutorials for their outputs
	@$(BIN)/python -m shopwright.cli.reference $(DOCS_ARGS)
	$(BIN)/python .ci/packages.py $(DOCS_ARGS)
	$(BIN)/python .ci/tutorials.py $(DOCS_ARGS)

# Pins stay as they are unless asked to move: LOCK_ARGS=--upgrade, or LOCK_ARGS="--upgrade-package duckdb".
LOCK_ARGS ?=
COMPILE = pip compile --quiet --python $(BIN)/python --python-version 3.11 --universal --generate-hashes \
    --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: | $(BIN)/python ## pin all dependencies, with hashes, for all supported Pythons
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/installer.lock
	$(BIN)/uv $(COMPILE) $(LOCK_ARGS) --all-extras --output-file requirements/dev.lock pyproject.toml
	lock() { name=$$1; shift; $(BIN)/uv $(COMPILE) "$$@" --constraints requirements/dev.lock \
	    --output-file requirements/$$name.lock pyproject.toml; }
	lock service --extra api
	lock app --extra app --extra ml  # its page of models reads the registry
	echo 'uv>=0.8' | $(BIN)/uv $(COMPILE) $(LOCK_ARGS) --output-file requirements/installer.lock -
	# What looks for known vulnerabilities has an environment of its own: users and .venv get none of it.
	echo 'pip-audit>=2.9' | $(BIN)/uv $(COMPILE) --constraints requirements/dev.lock --output-file requirements/audit.lock -

clean: ## remove everything that make made: .venv, demo, caches
	@if [ -e $(DEMO)/shopwright.toml ]; then rm -rf $(DEMO); fi
	rm -rf $(VENV) .bench .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist build
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
