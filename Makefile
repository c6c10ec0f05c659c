# `make quickstart` and `make test` are all that is needed: they set up .venv on first use.

# The first Python 3.10 to 3.13 that really runs; a pyenv shim may exist for a version that is not installed.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3.10 python3 python; do \
	"$$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 \
	&& echo "$$name" && break; done)

BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: quickstart test test-slow lint format bench clean

quickstart: $(INSTALLED)
	$(BIN)/nlpkit quickstart

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)
	$(BIN)/python benchmarks/run_all.py

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache saved_models/quickstart
	find nlpkit tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): setup.py pyproject.toml requirements/ci.txt requirements/constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.10 to 3.13 was found. Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@echo "Setting up .venv with $$($(PYTHON) --version) (once; a download of about 600 MB, 3 GB on the disk, some minutes) ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/ci.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@
