# Every target works in a fresh clone: it builds the environment in .venv first, from the hashed lock file.

PROFILE ?= default
PYTHON ?= python3
CORES := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)

SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: env reproduce test check bench paper docs lock clean help

# One BLAS thread a process: the parallelism is over studies and tests, and the last digits must not depend on it.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export NUMBA_NUM_THREADS := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: .venv/.stamp ## build the environment in .venv from requirements.lock

.venv/.stamp: requirements.lock pyproject.toml
	@echo "environment: installing requirements.lock into .venv"
	@rm -rf .venv
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --python $(PYTHON) .venv && \
	  uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .; \
	else \
	  $(PYTHON) -m venv .venv && \
	  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes -r requirements.lock && \
	  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

SNAKEMAKE := snakemake --snakefile workflow/Snakefile --cores $(CORES) --config profile=$(PROFILE)

# Under flock no other run can be alive, so a lock that Snakemake finds is one that a killed run left.
reproduce: env ## jump operators to PDF: tables, figures, ledger, paper  [PROFILE=default|full|smoke]
	@mkdir -p .snakemake
	@if command -v flock >/dev/null; then \
	  exec 9>.snakemake/reproduce.lock; \
	  flock --nonblock 9 || { echo "reproduce: waiting for another run in this folder"; flock 9; }; \
	  [ -z "$$(ls -A .snakemake/locks 2>/dev/null)" ] || $(SNAKEMAKE) --unlock --quiet all; \
	fi; \
	$(SNAKEMAKE) --rerun-incomplete --keep-going --quiet all && \
	echo "reproduce: data/ and paper/build/paper.pdf are complete"

test: env ## every test
	pytest -n $(CORES)

check: env ## what CI runs first: format, lint, types, import directions, spelling, fast tests, doctests
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	codespell
	pytest -n $(CORES) -m "not slow" --doctest-modules tests qcn_open

bench: env ## time the package, and peers where installed, on identical work
	python benchmarks/run.py

paper: env ## only the paper: tables, numbers, figures and PDF from data/
	qcn paper

docs: env ## the documentation, in docs/_build/html
	sphinx-build -W --keep-going -q -b html docs docs/_build/html

lock: ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --upgrade --quiet --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" -o requirements.lock

clean: ## remove everything that is built; data/ stays
	rm -rf .venv .snakemake .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis docs/_build docs/api paper/build
