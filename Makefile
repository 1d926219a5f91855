# Everything starts here. Each target makes the virtual environment first if the requirements changed since.

.DELETE_ON_ERROR:
.PHONY: demo test proof lint bench chaos messages reset run-deps dev-deps clean help

VENV := .venv
PY := $(VENV)/bin/python
RUN := $(VENV)/.run-$(shell cat requirements.txt | cksum | cut -d' ' -f1)
DEV := $(VENV)/.dev-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
MAKE_VENV := python=$$(PYTHON="$(PYTHON)" sh .ci/python) && "$$python" -m venv --clear $(VENV)
# Made anew if making it was interrupted, or if its Python is gone.
HEAL := $(PY) -c "import pip" 2>/dev/null || { $(MAKE_VENV); }
PIP := $(PY) -m pip install --disable-pip-version-check --quiet
# Compiled modules are kept, whatever the surroundings say: a run of the tests starts a hundred processes.
unexport PYTHONDONTWRITEBYTECODE
# One more than cores: many tests wait for servers, workers and a browser, which need cores of their own.
WORKERS ?= $(shell echo $$((1 + $$(getconf _NPROCESSORS_ONLN))))
ARGS ?=

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

demo: $(RUN) ## the whole product on http://127.0.0.1:8000/ (PORT changes it)
	@exec $(PY) manage.py demo --with-parent

reset: $(RUN) ## throw the demo's data away
	@$(PY) manage.py reset

test: $(DEV) ## the tests but chaos; those marked proof with a sample of their counts, or left to make proof
	$(PY) -m pytest -n $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

proof: $(DEV) ## the same properties at full counts: races, 20,000 examples
	PROOF=1 $(PY) -m pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal -m "proof and not chaos" --timeout 1800 $(ARGS)

chaos: $(DEV) ## kill workers and servers under load, then count
	PROOF=1 $(PY) -m pytest -m chaos --timeout 3600 $(ARGS)

bench: $(DEV) ## the same work done the usual way and ours, as ratios
	$(PY) -m bench $(ARGS)

lint: $(DEV) ## style, types, who may import whom, and Django's own checks
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --verbose
	$(PY) -W error manage.py check --fail-level WARNING
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m clinic.lint

messages: $(DEV) ## gather the texts that can be translated, and compile the translations (needs gettext)
	$(PY) -m tests.i18n.gather

$(PY):
	@$(MAKE_VENV)

$(RUN): requirements.txt | $(PY)
	@$(HEAL)
	@echo "Installing what the product runs on…"
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt | $(PY)
	@$(HEAL)
	@echo "Installing what the tests and checks need…"
	@$(PIP) -r requirements-dev.txt
	@touch $(RUN) $@

clean: ## remove the virtual environment and caches, not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
