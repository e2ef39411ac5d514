# Six words. Each sets up what it needs in .venv, on a machine with Python 3.11 or later and make.
# Another Python: make setup PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ANVIL := .tools/node_modules/@foundry-rs/anvil/package.json

.PHONY: setup check test bench demo serve

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tracer needs Python 3.11 or later: make setup PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The EVM node of the tests. Its install scripts are not run: the binary is a package of its own.
$(ANVIL):
	@npm install --prefix .tools --ignore-scripts --no-save --no-audit --no-fund --loglevel=error @foundry-rs/anvil@1.7.1 \
		|| echo 'No anvil: the tests that need an EVM node are skipped (npm installs it).' >&2

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY) $(ANVIL)
	$(BIN)/pytest

bench: $(READY) $(ANVIL)
	$(BIN)/python -m tests.benchmarks

demo: $(READY)
	$(BIN)/tracer demo

serve:
	@echo 'The REST service comes with a later version; until then every reading command answers with --json.' >&2; exit 2
