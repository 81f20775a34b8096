# Set-up and checks. Needs Python 3.11 or newer and make; everything else is installed in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

.PHONY: demo test check lint types tests clean

## Enlarge a sample image with the released weights; the light core only, no PyTorch.
demo: $(VENV)/.core
	$(BIN)/scalewise compare examples/pictures/valid/astronaut.png --output demo --overwrite

## Install what training and testing need, then check everything.
test: $(VENV)/.full
	$(MAKE) --no-print-directory check

# Pyright keeps one core busy for a minute; tests use the others meanwhile.
check: lint
	$(MAKE) --no-print-directory --jobs 2 types tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/pyright

tests:
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) .
	touch $@

$(VENV)/.full: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) .[test]
	touch $@ $(VENV)/.core

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .ruff_cache
