# make run    set up and start the demo           make test   set up and pass all tests (ARGS="-k redis": some of them)
# make check  lint, format, types                 make lock   write the lock files anew (UPGRADE=--upgrade: newer versions)
# No root and no Docker for any of these; Python 3.11 or later, make and git are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test soak fuzz mutate bench check format lock wheel clean

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# pip comes last into an environment: one without it was interrupted, and is made anew.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Signalman needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 …"; exit 1; }
	@echo "Making a virtual environment in $(VENV) ($$($(PYTHON) -V)) …"
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/run.stamp: requirements-embedded.lock pyproject.toml | $(BIN)/pip
	@echo "Installing Signalman with the embedded ClickHouse engine (once, about 300 MB to download) …"
	@$(BIN)/python .ci/install.py requirements-embedded.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: requirements-dev.lock pyproject.toml | $(BIN)/pip
	@echo "Installing what the tests need (once, about 400 MB to download) …"
	@$(BIN)/python .ci/install.py requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/fuzz.stamp: requirements-fuzz.lock $(VENV)/test.stamp
	@$(BIN)/python .ci/install.py requirements-fuzz.lock
	@touch $@

$(VENV)/mutate.stamp: requirements-mutate.lock $(VENV)/test.stamp
	@$(BIN)/python .ci/install.py requirements-mutate.lock
	@touch $@

run: $(VENV)/run.stamp  ## set up, then start everything in one process with a simulated platform
	@$(BIN)/signalman dev

test: $(VENV)/test.stamp  ## set up, then pass all tests against real servers
	@$(BIN)/python -m tests.servers
	$(BIN)/python -m pytest $(ARGS)

soak: $(VENV)/test.stamp  ## five minutes of random kills against real servers, every event counted (ARGS="--seconds 60")
	@$(BIN)/python -m tests.servers
	@$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(VENV)/fuzz.stamp  ## ten minutes of looking for a record that leaks, guided by coverage (ARGS="--seconds 60")
	@$(BIN)/python -m tests.fuzz $(or $(ARGS),--seconds 600)

mutate: $(VENV)/mutate.stamp  ## change what decides who may see what, place by place; a test must find each change
	@$(BIN)/python -m tests.mutation $(ARGS)

bench: $(VENV)/test.stamp  ## how fast the parts are that run for every event, on one core (ARGS="--only stages")
	@$(BIN)/python -m tests.bench $(ARGS)

check: $(VENV)/test.stamp  ## lint, format check, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.stamp  ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The locks hold names, versions and hashes, and no address of an index. The build's own needs are also in those that
# install from the source; the largest is made first, and the others may not differ from it.
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--quiet --custom-compile-command "make lock" $(UPGRADE)
BUILD := $(VENV)/build.in
COMPILE := $(VENV)/compile.in
LIKE := --constraint requirements-dev.lock

lock: | $(BIN)/pip  ## write the lock files anew
	@$(PIP) install --quiet uv
	@printf 'hatchling\neditables\n' > $(BUILD)
	@printf 'hatch-mypyc\nmypy\nsetuptools\n' > $(COMPILE)
	$(LOCK) pyproject.toml $(BUILD) --extra embedded --extra test --extra lint --extra compile -o requirements-dev.lock
	$(LOCK) pyproject.toml $(BUILD) --extra embedded $(LIKE) -o requirements-embedded.lock
	$(LOCK) $(BUILD) $(COMPILE) $(LIKE) -o requirements-build.lock
	$(LOCK) pyproject.toml $(LIKE) -o requirements.lock
	$(LOCK) requirements-fuzz.in -o requirements-fuzz.lock
	$(LOCK) requirements-mutate.in $(LIKE) -o requirements-mutate.lock

wheel: $(VENV)/test.stamp  ## build the wheel into dist/
	@$(PIP) wheel --quiet --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

clean:  ## remove what the other targets made
	rm -rf $(VENV) .cache build dist
