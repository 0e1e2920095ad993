# What a person runs; .ci/run and the workflow call the same. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Which Python: scripts/choose_python.sh decides where PYTHON is not given.
PYTHON ?=
VENV ?= .venv
# More arguments for pytest: make test TEST_ARGS="tests/trainer -x"
TEST_ARGS ?=
# Processes that share the files of `make test`: one alone uses about one core.
TEST_PROCESSES ?= 2

RUN := $(VENV)/bin/python
CHECKED := petseg pipeline components trainer pipeline_runner.py

.PHONY: help setup demo test test-slow test-tfx121 lint format lock clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## install what requirements.lock names into .venv (PYTHON=/path/to/python to choose)
	@VENV="$(VENV)" PYTHON="$(PYTHON)" scripts/setup.sh

demo: setup runs/sample ## from generated photos to a judged and pushed model, in minutes
	@$(RUN) pipeline_runner.py run --config configs/demo.yaml --data runs/sample --output runs/demo

runs/sample: | setup
	@$(RUN) pipeline_runner.py sample-data --output $@ --pairs 360 --seed 1

test: setup ## the tests that take minutes
	@$(RUN) -m pytest -m "not slow" -n $(TEST_PROCESSES) --dist loadgroup $(TEST_ARGS)

test-slow: setup ## the others; PETSEG_DATA and PETSEG_WEIGHTS name the real photos and weights
	@$(RUN) -m pytest -m slow $(TEST_ARGS)

test-tfx121: ## the tests on the newer stack; as root in a Debian 13 root where glibc is too old
	@scripts/test_tfx121.sh $(or $(TEST_ARGS),-m "not slow")

lint: setup ## ruff, mypy and the rules of imports
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy $(CHECKED)
	@$(VENV)/bin/lint-imports --no-cache --no-logo

format: setup ## put every file into ruff's format and mend what it can
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

lock: setup ## make requirements.lock from pyproject.toml, for both stacks
	@VENV="$(VENV)" scripts/lock.sh

clean: ## remove caches and build leftovers; keeps .venv and runs
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
