# `make demo` is the place to start; `make help` lists the rest.
SHELL := /bin/sh
BIN := .venv/bin
UV ?= uv
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs lock clean setup setup-dev

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:
	@tools/setup.sh requirements.lock

setup-dev:
	@tools/setup.sh requirements-dev.lock

demo: setup ## set up, make a day of sample logs with an attack in them, find the attack
	@$(BIN)/sakimori demo

test: setup-dev ## set up and check everything, in CI's order
	@$(MAKE) --no-print-directory lint
	@echo "== pytest"
	@# A process a core, each file in one of them; but one, whose generated tests share a name, which pytest-xdist runs once.
	@$(BIN)/python -m pytest -n auto --dist loadfile --ignore tests/protect/test_security.py
	@$(BIN)/python -m pytest tests/protect/test_security.py

lint: setup-dev ## style, types and the order of rooms, without the tests
	@echo "== ruff" && $(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@echo "== mypy" && $(BIN)/mypy --no-error-summary
	@echo "== import-linter" && $(BIN)/lint-imports --no-logo > .venv/lint-imports.txt || { cat .venv/lint-imports.txt; exit 1; }

bench: setup-dev ## print every benchmark's ratios beside its peers'
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

docs: setup-dev ## write the pages of verbs and rules, and the picture of the README
	@$(BIN)/python docs/generate.py
	@$(BIN)/python docs/picture.py

lock: ## pin the newest allowed versions again (needs uv)
	@$(LOCK) --upgrade --group build --output-file requirements.lock
	@$(LOCK) --upgrade --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove all that was made here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
