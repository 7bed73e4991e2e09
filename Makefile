# Two commands do all the set-up: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
LIVE ?=
LANGUAGE ?= de
PYTEST_OPTIONS ?=
WORKERS ?= 2

.PHONY: demo stop clean test lint install lock pictures docs words bench-ingest bench-asof bench-quality bench-defects bench-statistics bench-effect bench-email bench-outbox soak

demo: $(VENV)/installed ## From nothing to the client's inbox; LIVE="bsky.app @Mastodon@mastodon.social" for real accounts
	@$(BIN)/python -m widerview.demo start --live "$(LIVE)"

stop: ## End everything the demo has started
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m widerview.demo stop; else echo "There is no $(VENV) here, so no demo that it could end."; fi

clean: ## End everything and delete the demo's data
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m widerview.demo clean; else echo "There is no $(VENV) here, so no demo that it could end."; fi

test: $(VENV)/installed-dev lint ## Set up, check the code's form and types, run all tests; WORKERS at once
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_OPTIONS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pictures: $(VENV)/installed-dev ## Screenshots for the docs (needs Chromium)
	$(BIN)/python bench/pictures.py

bench-ingest: $(VENV)/installed ## Our loads beside others'; ROWS, CONTENDERS, QUICK=1 and more: docs/benchmarks.md
	@$(BIN)/python -m bench.ingest

bench-asof: $(VENV)/installed ## One client's report from everybody's observations; CLIENTS, OBSERVATIONS, KEEP=1
	@$(BIN)/python -m bench.asof

bench-quality: $(VENV)/installed ## The gate beside plain SQL, pandera and the load itself; ROWS, QUICK=1
	@$(BIN)/python -m bench.quality

bench-defects: $(VENV)/installed ## What the gate finds of sixty defects, and what it says of clean weeks; SEEDS, WEEKS
	@PYTHONPATH=tests/helpers $(BIN)/python -m bench.defects

bench-statistics: $(VENV)/installed-dev ## What the measures get right, beside what others do; needs no network
	@$(BIN)/python -m bench.statistics

bench-outbox: $(VENV)/installed ## Mails a second: stored bytes on one connection beside a connection a mail; MAILS
	@PYTHONPATH=tests/helpers $(BIN)/python -m bench.outbox

soak: $(VENV)/installed ## Senders killed at random while the mail server fails; RUNS (2000), FIRST
	@PYTHONPATH=tests/helpers $(BIN)/python -m bench.soak

bench-effect: $(VENV)/installed-dev ## What is told of campaigns whose effect is known; needs no network; QUICK=1
	@$(BIN)/python -m bench.effect

bench-email: $(VENV)/installed-dev ## Complete mails with a chart out of ready numbers; MAILS, QUICK=1
	@$(BIN)/python -m bench.email

docs: $(VENV)/installed-dev ## The pages that are generated from the code
	$(BIN)/python -m widerview.agency.schema
	$(BIN)/python -m widerview.warehouse.describe docs/warehouse.md
	$(BIN)/python -m widerview.sources.describe docs/sources.md
	$(BIN)/python -m widerview.vocabulary.describe docs/metrics.md include/widerview/sources/*.yaml

words: $(VENV)/installed ## A language's catalogue of the mail's words, new or brought up to date; LANGUAGE=fr
	$(BIN)/python -m widerview.report.catalogues $(LANGUAGE)

lock: $(VENV)/bin/uv ## New locks from requirements.in and requirements-dev.in
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header -q requirements.in -o requirements.txt
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header -q requirements-dev.in -o requirements-dev.txt

install: $(VENV)/installed

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "Widerview needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || { \
	  rm -rf $(VENV); echo "The package index cannot be reached (or refuses). Check the network, then run it again."; exit 1; }

# Compiled while installing: Great Expectations takes 18 s to import without it.
$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/bin/uv
	@echo "Installing the locked requirements into $(VENV) ..."
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.txt \
	  || { echo "The installation failed: see above. Without a network, try again when there is one."; exit 1; }
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements-dev.txt \
	  || { echo "The installation failed: see above. Without a network, try again when there is one."; exit 1; }
	@touch $@
