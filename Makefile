# Two commands are enough on a fresh machine with python3 >= 3.11, make and git: make demo, make test.
PYTHON ?= python3
VENV := .venv
BED := .venv-bed
PEERS := .venv-peers
LOWEST := .venv-lowest
FUZZ := .venv-fuzz
MUTANTS := .venv-mutants
OF ?= fqtool.*
SECONDS ?= 600
HARNESSES ?= registry migration history ledger schema ddl contract rows feature_list expression target
PIP_FLAGS := --quiet --disable-pip-version-check
# More than there are cores: many tests wait for a server or a process.
WORKERS ?= 3
# What a file makes once is made once; in the order of names, for the slow ones are not at the end.
BY_FILE := --dist loadfile --no-loadscope-reorder

# Where a machine forbids bytecode, an editable fqtool would be compiled anew by each of hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-lowest package check bed peers bench faults gates fuzz mutants golden clean

demo: $(VENV)/.runtime
	$(VENV)/bin/fqtool demo

test: $(VENV)/.dev $(BED)/.ready $(PEERS)/.ready check
	FQTOOL_REQUIRE_BED=1 FQTOOL_REQUIRE_PEERS=1 $(VENV)/bin/python -m pytest -n $(WORKERS) $(BY_FILE)

# The quick tests on the lowest versions that pyproject.toml allows, in an environment of their own.
test-lowest: $(LOWEST)/.ready
	$(LOWEST)/bin/python -m pytest tests/test_startup.py tests/test_cli.py tests/test_told.py tests/test_target.py \
		tests/test_registry_load.py tests/test_duckdb_warehouse.py tests/test_bigquery_faults.py tests/test_init.py tests/test_init_files.py

# Wheel and sdist, installed alone into empty environments, tried there and weighed into bench/README.md.
package: $(VENV)/.runtime
	$(VENV)/bin/python bench/install.py

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
bench: $(VENV)/.runtime $(PEERS)/.ready bench/.venv/.ready
	$(VENV)/bin/python bench/startup.py
	$(VENV)/bin/python bench/diagnosis.py
	$(VENV)/bin/python bench/backfill.py
	$(VENV)/bin/python bench/wide.py
	$(VENV)/bin/python bench/peers.py
	$(VENV)/bin/python bench/scoring.py

# Every fault at the requests of every command that talks to BigQuery, for at most half an hour; writes its page.
faults: $(VENV)/.dev $(BED)/.ready
	$(VENV)/bin/python -m tests.faults --minutes 25 --out docs/reference/fault-matrix.md

# Seeded faults, each asked of every gate; writes its page.
gates: $(VENV)/.dev
	$(VENV)/bin/python -m tests.gates docs/reference/what-catches-what.md

# SECONDS for each of the HARNESSES, guided by coverage; an input that fails stays in tests/fuzz/corpus.
fuzz: $(FUZZ)/.ready
	$(FUZZ)/bin/python bench/fuzz.py $(SECONDS) $(HARNESSES)

# One change of the pure core at a time, and whether a test notices; OF= names a part. Goes on where it was stopped.
mutants: $(MUTANTS)/.ready
	$(MUTANTS)/bin/mutmut run '$(OF)' --max-children $(WORKERS)
	$(MUTANTS)/bin/mutmut results --all true | $(MUTANTS)/bin/python -m tests.mutants bench/mutants.md

golden: $(VENV)/.dev $(BED)/.ready
	FQTOOL_RENEW=1 $(VENV)/bin/python -m pytest -n $(WORKERS) $(BY_FILE) -k golden

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fqtool needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python pyproject.toml constraints.txt
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[report]'
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime tests/bed/requirements.txt
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(LOWEST)/.ready: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints-lowest.txt --editable '.[dev]'
	@touch $@

$(BED)/.ready: tests/bed/requirements.txt tests/bed/constraints.txt
	$(PYTHON) -m venv $(BED)
	$(BED)/bin/python -m pip install $(PIP_FLAGS) --constraint tests/bed/constraints.txt --requirement tests/bed/requirements.txt
	@touch $@

$(PEERS)/.ready: tests/peers/requirements.txt tests/peers/constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install $(PIP_FLAGS) --constraint tests/peers/constraints.txt --requirement tests/peers/requirements.txt
	@touch $@

bench/.venv/.ready: bench/requirements.txt
	$(PYTHON) -m venv bench/.venv
	bench/.venv/bin/python -m pip install $(PIP_FLAGS) --requirement bench/requirements.txt
	@touch $@

$(FUZZ)/.ready: tests/fuzz/requirements.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable . --requirement tests/fuzz/requirements.txt
	@touch $@

$(MUTANTS)/.ready: tests/mutants/requirements.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[dev]' --requirement tests/mutants/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(BED) $(PEERS) $(LOWEST) $(FUZZ) $(MUTANTS) mutants bench/.venv dist .fqtool .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
