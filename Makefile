# Two commands are enough on a fresh machine with python3 >= 3.11, make and git: make demo, make test.
PYTHON ?= python3
VENV := .venv
BED := .venv-bed
PEERS := .venv-peers
LOWEST := .venv-lowest
NEWEST := .venv-newest
FUZZ := .venv-fuzz
MUTANTS := .venv-mutants
DOCS := .venv-docs
OF ?= fqtool.*
SECONDS ?= 600
PORT ?= 9050
STEPS ?= 2000
SEED ?= 1
HARNESSES ?= registry migration history ledger schema ddl contract rows feature_list expression target
PIP_FLAGS := --quiet --disable-pip-version-check
# More than the number of cores: many tests wait for a server or a process.
WORKERS ?= 3
QUICK := tests/test_startup.py tests/test_cli.py tests/test_tracing.py tests/test_target.py tests/test_registry_load.py \
	tests/test_duckdb_warehouse.py tests/test_bigquery_faults.py tests/test_init.py tests/test_init_files.py
# What depends on how DuckDB, sqlglot and Google's client compute and plan.
QUICK_ON_NEWEST := tests/test_duckdb_dialect.py tests/test_score_records.py tests/test_scoring_reference.py \
	tests/test_translations.py tests/test_record_memory.py
# All tests of a file run in one worker, in the order of names: slow files are not at the end.
BY_FILE := --dist loadfile --no-loadscope-reorder

# Without bytecode files, each of hundreds of processes would compile the editable fqtool again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-lowest test-newest package check bed emulator api-description peers bench bench-adoption docs faults gates soak soak-page fuzz mutants golden screenshots clean

demo: $(VENV)/.runtime
	$(VENV)/bin/fqtool demo

test: $(VENV)/.dev $(BED)/.ready $(PEERS)/.ready check docs
	FQTOOL_REQUIRE_BED=1 FQTOOL_REQUIRE_PEERS=1 $(VENV)/bin/python -m pytest -n $(WORKERS) $(BY_FILE)

# The quick tests on the lowest versions that pyproject.toml allows, in an environment of their own.
test-lowest: $(LOWEST)/.ready
	$(LOWEST)/bin/python -m pytest $(QUICK)

# The quick tests on the newest versions that pyproject.toml allows, and on any Python: make test-newest PYTHON=python3.13
test-newest: $(BED)/.ready
	$(PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip install $(PIP_FLAGS) --editable '.[dev]'
	$(NEWEST)/bin/fqtool demo
	FQTOOL_REQUIRE_BED=1 $(NEWEST)/bin/python -m pytest $(QUICK) $(QUICK_ON_NEWEST)

# Wheel and sdist, each installed into an empty environment and run there; their sizes go into bench/README.md.
package: $(VENV)/.runtime
	$(VENV)/bin/python bench/install.py

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# The emulator pins old versions of fqtool's dependencies, so it has an environment of its own.
bed: $(BED)/.ready

# The emulator of BigQuery in the foreground, on loopback and PORT, until Ctrl-C; docs/how-to/try-on-bigquery.md uses it.
emulator: $(VENV)/.runtime $(BED)/.ready
	@exec $(VENV)/bin/python -m tests.bed.foreground $(PORT)

# BigQuery's description of its API, from the package version in tests/bed/api_description.py.
api-description: $(VENV)/.dev
	$(VENV)/bin/python -m tests.bed.api_description

# dbt, the data contract CLI and Feast, which read the output of `fqtool export`; 800 MB.
peers: $(PEERS)/.ready

# Half an hour on a quiet machine; writes its tables into bench/README.md.
bench: $(VENV)/.runtime $(PEERS)/.ready bench/.venv/.ready
	$(VENV)/bin/python bench/startup.py
	$(VENV)/bin/python bench/diagnosis_time.py
	$(VENV)/bin/python bench/backfill.py
	$(VENV)/bin/python bench/wide.py
	$(VENV)/bin/python bench/shapes.py
	$(VENV)/bin/python bench/peers.py
	$(VENV)/bin/python bench/scoring.py
	$(VENV)/bin/python bench/writers.py
	$(VENV)/bin/python bench/diagnosis --stored

# A real table from a plain DuckDB file to a first diagnosis; writes bench/adoption.md.
bench-adoption: $(VENV)/.runtime bench/.venv/.ready
	$(VENV)/bin/python bench/adoption.py bench/.venv

# How often diagnosis is right, beside other checks, on data sets of packages and of generators; about half an hour. Writes its tables.
bench-diagnosis: $(VENV)/.runtime build/diagnosis-data/.ready build/diagnosis-peers/.ready
	$(VENV)/bin/python bench/diagnosis --write

# Great Expectations and Evidently, which get the same rows.
build/diagnosis-peers/.ready: bench/diagnosis/requirements-checks.txt
	$(PYTHON) -m venv build/diagnosis-peers
	build/diagnosis-peers/bin/python -m pip install $(PIP_FLAGS) --requirement bench/diagnosis/requirements-checks.txt
	touch $@

build/diagnosis-data/.ready: bench/diagnosis/requirements.txt
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) --upgrade --target build/diagnosis-data -r bench/diagnosis/requirements.txt
	touch $@

# Every fault at the requests of every command that uses BigQuery, for at most half an hour; writes its page.
faults: $(VENV)/.dev $(BED)/.ready
	$(VENV)/bin/python -m tests.faults --minutes 25 --out docs/reference/fault-matrix.md

# Seeded faults, each checked by every gate; writes its page.
gates: $(VENV)/.dev
	$(VENV)/bin/python -m tests.gates docs/reference/what-catches-what.md

# STEPS random operations on a store, from SEED; prints how often each ran.
soak: $(VENV)/.dev $(if $(filter bigquery,$(ON)),$(BED)/.ready)
	$(VENV)/bin/python -m tests.soak$(if $(filter bigquery,$(ON)),_bigquery) $(STEPS) $(SEED)

# 20,000 of them in two processes, half an hour; writes its page.
soak-page: $(VENV)/.dev
	$(VENV)/bin/python -m tests.soak_page 10000 1 2

# SECONDS for each of the HARNESSES, guided by coverage; a failing input stays in tests/fuzz/corpus.
fuzz: $(FUZZ)/.ready
	$(FUZZ)/bin/python bench/fuzz.py $(SECONDS) $(HARNESSES)

# One mutation of the pure core at a time, and whether a test fails; OF= selects a part. Continues after an interrupt.
mutants: $(MUTANTS)/.ready
	$(MUTANTS)/bin/mutmut run '$(OF)' --max-children $(WORKERS)
	$(MUTANTS)/bin/mutmut results --all true | $(MUTANTS)/bin/python -m tests.mutants bench/mutants.md

# The documentation as a site, in build/site; fails on a broken link and on an asset from the network.
docs: $(DOCS)/.ready
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build
	$(DOCS)/bin/python docs/check_site.py build/site

# The picture of the report in the README, from `fqtool demo`; needs chromium.
screenshots: $(VENV)/.runtime
	$(VENV)/bin/python docs/screenshots.py

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

$(DOCS)/.ready: docs/requirements.txt docs/constraints.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install $(PIP_FLAGS) --constraint docs/constraints.txt --requirement docs/requirements.txt
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
	rm -rf $(VENV) $(BED) $(PEERS) $(LOWEST) $(NEWEST) $(FUZZ) $(MUTANTS) $(DOCS) build mutants bench/.venv dist .fqtool .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
