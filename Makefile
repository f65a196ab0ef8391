# Two commands are enough on a fresh machine with python3 >= 3.11, make and git: make demo, make test.
PYTHON ?= python3
VENV := .venv
BED := .venv-bed
PEERS := .venv-peers
FUZZ := .venv-fuzz
SECONDS ?= 600
HARNESSES ?= registry migration history ledger schema ddl contract rows feature_list expression target
PIP_FLAGS := --quiet --disable-pip-version-check
WORKERS ?= 2

.PHONY: demo test check bed peers bench fuzz golden clean

demo: $(VENV)/.runtime
	$(VENV)/bin/fqtool demo

test: $(VENV)/.dev $(BED)/.ready $(PEERS)/.ready check
	FQTOOL_REQUIRE_BED=1 FQTOOL_REQUIRE_PEERS=1 $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadgroup

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# The emulator pins old versions of what fqtool uses, so it lives in an environment of its own.
bed: $(BED)/.ready

# dbt, the data contract CLI and Feast, which read what `fqtool export` writes; 800 MB.
peers: $(PEERS)/.ready

# Half an hour on a quiet machine; writes its tables into bench/README.md.
bench: $(VENV)/.runtime
	$(VENV)/bin/python bench/diagnosis.py
	$(VENV)/bin/python bench/scoring.py

# SECONDS for each of the HARNESSES, guided by coverage; an input that fails stays in tests/fuzz/corpus.
fuzz: $(FUZZ)/.ready
	@for one in $(HARNESSES); do $(FUZZ)/bin/python -m tests.fuzz.explore $$one $(SECONDS) || failed=1; done; \
	test -z "$$failed"

golden: $(VENV)/.dev $(BED)/.ready
	FQTOOL_RENEW=1 $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadgroup -k golden

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fqtool needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python pyproject.toml constraints.txt
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[report]'
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime tests/bed/requirements.txt
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(BED)/.ready: tests/bed/requirements.txt tests/bed/constraints.txt
	$(PYTHON) -m venv $(BED)
	$(BED)/bin/python -m pip install $(PIP_FLAGS) --constraint tests/bed/constraints.txt --requirement tests/bed/requirements.txt
	@touch $@

$(PEERS)/.ready: tests/peers/requirements.txt tests/peers/constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install $(PIP_FLAGS) --constraint tests/peers/constraints.txt --requirement tests/peers/requirements.txt
	@touch $@

$(FUZZ)/.ready: tests/fuzz/requirements.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable . --requirement tests/fuzz/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(BED) $(PEERS) $(FUZZ) .fqtool .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
