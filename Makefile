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

# Extras of pyproject.toml that `make setup` and `make demo` install; the other targets add theirs.
EXTRAS ?= app

RUN := $(VENV)/bin/python
CHECKED := petseg pipeline components trainer pipeline_runner.py
# Without the advice of its plugins about a later MkDocs.
MKDOCS := DISABLE_MKDOCS_2_WARNING=true NO_MKDOCS_2_WARNING=true $(RUN) -m mkdocs
setup = VENV="$(VENV)" PYTHON="$(PYTHON)" EXTRAS="$(1)" scripts/setup.sh

.PHONY: help setup demo test test-slow test-tfx121 lint format docs docs-serve lock clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## install what a run needs into .venv (PYTHON=/path/to/python to choose)
	@$(call setup,$(EXTRAS))

demo: setup runs/sample ## from generated photos to an evaluated and pushed model, in minutes
	@$(RUN) pipeline_runner.py run --config configs/demo.yaml --data runs/sample --output runs/demo

runs/sample: | setup
	@$(RUN) pipeline_runner.py sample-data --output $@ --pairs 360 --seed 1

test: ## the tests that take minutes
	@$(call setup,app export s3 docs test)
	@$(RUN) -m pytest -m "not slow" -n $(TEST_PROCESSES) --dist loadgroup $(TEST_ARGS)

test-slow: ## the slow tests; PETSEG_DATA and PETSEG_WEIGHTS name the real photos and weights
	@$(call setup,app export s3 docs test)
	@$(RUN) -m pytest -m slow $(TEST_ARGS)

test-tfx121: ## the tests on the newer stack; as root in a Debian 13 root where glibc is too old
	@scripts/test_tfx121.sh $(or $(TEST_ARGS),-m "not slow")

lint: ## ruff, mypy and the rules of imports
	@$(call setup,lint)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy $(CHECKED)
	@$(VENV)/bin/lint-imports --no-cache --no-logo

format: ## apply ruff's format and fixes to every file
	@$(call setup,lint)
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

docs: ## build the documentation into site/; a broken link or reference fails
	@$(call setup,docs)
	@$(MKDOCS) build --strict

docs-serve: ## show the documentation on http://127.0.0.1:8000 and rebuild it as files change
	@$(call setup,docs)
	@$(MKDOCS) serve

lock: ## make requirements.lock from pyproject.toml, for both stacks
	@$(call setup,lint)
	@VENV="$(VENV)" scripts/lock.sh

clean: ## remove caches and build leftovers; keeps .venv and runs
	rm -rf build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
