# `make repro` runs the pipeline, `make test` the tests; both set up .venv from the lock files first.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: repro test setup lock
.DELETE_ON_ERROR:

repro: .venv/runtime
	dvc repro

test: .venv/development
	ruff check
	ruff format --check
	mypy
	python -m pytest

setup: .venv/runtime

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo 'error: Python 3.11 to 3.13 is needed, and $(PYTHON) is not; try: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/runtime: requirements.txt | .venv/python
	python -m pip install --quiet --require-hashes -r requirements.txt
	touch $@

.venv/development: requirements-dev.txt | .venv/python
	python -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@ .venv/runtime

# One version of each package for all Pythons and systems, so that all compute the same.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
  --no-header --no-annotate --custom-compile-command 'make lock' pyproject.toml
lock: .venv/development
	$(LOCK) -o requirements.txt
	$(LOCK) --group dev -c requirements.txt -o requirements-dev.txt
