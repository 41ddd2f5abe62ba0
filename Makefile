# make demo: from nothing to a trained, evaluated classifier.  make test: every check.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# On Linux PyPI's torch brings gigabytes of CUDA; without an NVIDIA driver it comes from here.
# If it is empty or cannot be reached, torch comes from PyPI or the index that pip is configured with.
TORCH_INDEX ?= $(shell [ "$$(uname)" != Linux ] || [ -e /proc/driver/nvidia ] || \
	command -v nvidia-smi >/dev/null || echo https://download.pytorch.org/whl/cpu)

# A recipe that fails leaves no half-made target, such as an environment without pip.
.DELETE_ON_ERROR:

.PHONY: help demo test docs fuzz audit lint clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*##/\t/' | expand -t 10

demo: .venv/installed  ## Train and evaluate a small network on synthetic beats
	@$(BIN)/ecg download demo --quiet
	@run=$$($(BIN)/ecg train --config configs/demo.yaml) && \
	$(BIN)/ecg evaluate "$$run" --data data/synthetic_test.csv --quiet && \
	$(BIN)/ecg confusion "$$run" --quiet && \
	report="$$run/evaluation-synthetic_test" && \
	echo && \
	echo "Report:            $$report/report.html" && \
	echo "Confusion matrix:  $$report/confusion.png" && \
	echo "Next, the real data (source $(BIN)/activate first):" && \
	echo "  ecg download" && \
	echo "  ecg train --config cnn"

test: .venv/installed-dev lint  ## Run every check and every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadscope \
		--no-loadscope-reorder

docs: .venv/installed-docs  ## Build the documentation, into build/docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs
	@echo "Documentation: build/docs/index.html"

SEED ?= 1
N ?= 10000
fuzz: .venv/installed-dev  ## Run commands on N=10000 damaged inputs of SEED=1, or on one: CASE=42
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --seed $(SEED) --inputs $(N) $(if $(CASE),--case $(CASE))

audit: .venv/installed-dev  ## Look for known vulnerabilities in the packages that are installed
	$(BIN)/pip-audit --skip-editable --progress-spinner off

lint: .venv/installed-dev  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:  ## Remove the environment and caches; data/ and runs/ stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed, and none was found;" \
		"install it, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv .venv

# pip first: the one that comes with Python may be too old to install a --group.
.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	$(if $(TORCH_INDEX),$(PIP) install --quiet --retries 1 --timeout 10 --no-deps \
		--constraint constraints.txt --extra-index-url $(TORCH_INDEX) torch)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) install --quiet --constraint constraints.txt --group dev --editable '.[all]'
	@touch $@

.venv/installed-docs: .venv/installed
	$(PIP) install --quiet --constraint constraints.txt --group docs
	@touch $@
