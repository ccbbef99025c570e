PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt

# Many container images set this variable. Each process would then compile all of torch again, in 14 seconds.
export PYTHONDONTWRITEBYTECODE :=

TOO_OLD = $(PYTHON) is too old: vaegan-bench needs Python 3.11 or newer. Name one: make $(MAKECMDGOALS) PYTHON=python3.12

.PHONY: run test check docs format clean

run: .venv/installed
	$(BIN)/vaegan-bench run --models all

test: .venv/dev-installed
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/docs-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --clean --quiet

format: .venv/dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Python compiles what it imports at its first use; compiling all of torch beforehand takes longer than the rest.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("$(TOO_OLD)" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	@touch $@

.venv/dev-installed: .venv/installed
	$(INSTALL) -e ".[dev]"
	@touch $@

.venv/docs-installed: .venv/dev-installed
	$(INSTALL) -e ".[docs]"
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
