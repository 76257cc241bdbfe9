# Encours. Two set-up commands, each complete on a fresh machine: `make demo` and `make test`.
# They need make, Python >= 3.11 and a package registry; no Docker, no database.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
BENCH := .venv-bench
BROWSER := $(VENV)/browser
AUDIT := .venv-audit
AUDITED = $(AUDIT)/bin/python requirements/audit.py $(AUDIT)/bin/pip-audit requirements/requirements.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where this is set, every process compiles all that it imports: Airflow, dbt and Great Expectations
# then take 18 s of a core instead of 8.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check fast-tests types up stop bench soak audit clean lock setup

demo: $(READY)
	@$(BIN)/encours demo

# In the order of the folders: what takes minutes begins early, and no worker waits for another.
test: $(READY) $(BROWSER)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests

# Types are read beside the tests, which now and then wait for each other.
# The audit asks a public service. Where that is out of reach it says so, and the rest is checked.
check: $(READY) $(AUDIT)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 fast-tests types
	@$(AUDITED)

fast-tests: $(READY)
	$(BIN)/pytest -n 2 -m "not slow and not soak" tests

types: $(READY)
	$(BIN)/mypy

up: $(READY)
	@$(BIN)/encours up

stop: $(READY)
	@$(BIN)/encours stop

bench: $(READY) $(BENCH)/ready
	$(BIN)/python -m bench

# What we are compared with stays out of our own environment.
$(BENCH)/ready: $(READY) requirements/bench.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --require-hashes --no-deps \
	    -r requirements/bench.txt \
	  || $(BENCH)/bin/python -m pip install --quiet --require-hashes --no-deps \
	    -r requirements/bench.txt
	@touch $@

# Drives the Chromium of the machine. It takes 160 MB, and only tests of pages need it.
$(BROWSER): $(READY) requirements/browser.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps \
	    -r requirements/browser.txt \
	  || $(BIN)/python -m pip install --quiet --require-hashes --no-deps \
	    -r requirements/browser.txt
	@touch $@

soak: $(READY) $(BROWSER)
	$(BIN)/pytest -m "soak or catalogue" -s tests

# Fails where a version could not be asked about, too: before a release, no answer is not a good one.
audit: $(AUDIT)/ready
	@$(AUDITED) --all

$(AUDIT)/ready: requirements/audit.txt
	@test -x $(AUDIT)/bin/python || $(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/audit.txt
	@touch $@

setup: $(READY)

clean:
	-@test -x $(BIN)/encours && $(BIN)/encours stop
	rm -rf .encours $(VENV) $(BENCH) $(AUDIT) .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target

# uv installs in seconds what takes pip minutes; where it cannot reach the registry as pip is
# configured to, pip does the same work from the same hashes.
$(READY): requirements/requirements.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Encours needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "no venv module: on Debian, apt-get install python3-venv"; exit 2; }
	@echo "installing what Encours needs into $(VENV)"
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps \
	    -r requirements/requirements.txt \
	  || $(BIN)/python -m pip install --quiet --require-hashes --no-deps \
	    -r requirements/requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-strip-extras \
	    requirements/requirements.in -o requirements/requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements/uv.in -o requirements/uv.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-strip-extras \
	    requirements/bench.in -o requirements/bench.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header -c requirements/requirements.txt \
	    requirements/browser.in -o requirements/browser.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-strip-extras \
	    requirements/audit.in -o requirements/audit.txt
