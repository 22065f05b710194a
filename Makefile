# Every target works in a fresh clone: it builds the environment in .venv first, from the hashed lock file.

PROFILE ?= default
PYTHON ?= python3
CORES := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)

SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: env reproduce test check bench bench-peers peers paper docs lock clean help

# One BLAS thread a process: the parallelism is over studies and tests, and the last digits must not depend on it.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export NUMBA_NUM_THREADS := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

bench: env ## time the package, and QuTiP, on identical work (minutes)
	python benchmarks/run.py

bench-peers: env peers ## the same with every peer, whose calls take minutes each; goes on where it was stopped
	python benchmarks/run.py --peers

peers: .venv-peers/.stamp ## build the peers' environment in .venv-peers from benchmarks/peers.txt

.venv-peers/.stamp: benchmarks/peers.txt
	@echo "peers: installing benchmarks/peers.txt into .venv-peers"
	@rm -rf .venv-peers
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --python $(PYTHON) .venv-peers && \
	  uv pip install --quiet --python .venv-peers/bin/python --require-hashes -r benchmarks/peers.txt; \
	else \
	  $(PYTHON) -m venv .venv-peers && \
	  .venv-peers/bin/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes -r benchmarks/peers.txt; \
	fi
	@touch $@

paper: env ## only the paper: tables, numbers, figures and PDF from data/
	qcn paper

docs: env ## the documentation, in docs/_build/html
	sphinx-build -W --keep-going -q -j $(CORES) -b html docs docs/_build/html

lock: ## resolve requirements.lock and benchmarks/peers.txt anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --upgrade --quiet --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" -o requirements.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["peers"], sep="\n")' | \
	  uv pip compile - --python-version 3.11 --universal --upgrade --quiet --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" -o benchmarks/peers.txt

clean: ## remove everything that is built; data/ stays
	rm -rf .venv .venv-peers .snakemake .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis docs/_build docs/api paper/build \
	  benchmarks/.measured.json
