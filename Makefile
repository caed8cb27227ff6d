# make run    set up and start the demo           make test   set up and pass all tests
# make check  lint, format, types                 make lock   write the lock files anew
# No root and no Docker for any of these; Python 3.11 or later, make and git are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test check format lock wheel clean

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Signalman needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements-embedded.lock pyproject.toml | $(BIN)/python
	@echo "Installing Signalman with the embedded ClickHouse engine (about 250 MB, once) …"
	$(PIP) install --progress-bar on --require-hashes -r requirements-embedded.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need (about 400 MB, once) …"
	$(PIP) install --progress-bar on --require-hashes -r requirements-dev.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(VENV)/run.stamp  ## set up, then start everything in one process with a simulated platform
	$(BIN)/signalman dev

test: $(VENV)/test.stamp  ## set up, then pass all tests against real servers
	$(BIN)/python -m pytest

check: $(VENV)/test.stamp  ## lint, format check, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.stamp  ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The locks hold names, versions and hashes, and no address of an index.
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --quiet --custom-compile-command "make lock"

lock: | $(BIN)/python  ## write the lock files anew
	$(PIP) install --quiet uv
	printf 'hatchling\neditables\n' > $(VENV)/build.in
	$(LOCK) -o requirements.lock
	$(LOCK) $(VENV)/build.in --extra embedded -o requirements-embedded.lock
	$(LOCK) $(VENV)/build.in --extra embedded --extra test --extra lint -o requirements-dev.lock

wheel: $(VENV)/test.stamp  ## build the wheel into dist/
	$(PIP) wheel --quiet --no-deps --no-build-isolation -w dist .

clean:  ## remove what the other targets made
	rm -rf $(VENV) .cache build dist
