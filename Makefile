# Two words for a newcomer: `make run` and `make test`. Everything else is for builders.
SHELL  := bash
.SHELLFLAGS := -o pipefail -c
VENV   := .venv
PIP    := $(VENV)/bin/python -m pip --disable-pip-version-check
LOCKED := install --require-hashes --only-binary :all: -r

# Installs what a lock file names, with a bar on a terminal; the words are kept for a failure.
define install_locked
	@$(PIP) $(LOCKED) $(1) 2>&1 | tee $(VENV)/install.log | { \
	  total=$$(grep -c '==' $(1)); done=0; \
	  while read -r word rest; do \
	    case $$word in Collecting|Processing|Ignoring|Requirement) done=$$((done + 1)); \
	      if [ -t 1 ]; then printf '\r[%-30.*s] %d/%d' $$((done * 30 / total)) \
	        '##############################' $$done $$total; fi;; \
	    esac; \
	  done; if [ -t 1 ]; then printf '\r\033[K'; fi; } \
	  || { tail -n 20 $(VENV)/install.log; \
	       echo "The packages could not be installed. Is the package index reachable?"; exit 1; }
endef

.PHONY: run test install dev bench mutation soak lock clean

run: install
	@$(VENV)/bin/liqbot run -c config.yaml

test: dev
	@$(VENV)/bin/python -m pytest

install: $(VENV)/.installed

dev: $(VENV)/.dev

bench: dev
	@$(VENV)/bin/python -m tests.bench

# Small defects, one at a time: how many do the tests notice? Some minutes.
mutation: dev
	@$(VENV)/bin/python -m tests.mutation $(ARGS)

# The long proofs: a thousand real SIGKILLs on the emulated exchanges, and more. An hour or so.
soak: dev
	@$(VENV)/bin/python -m tests.soak $(ARGS)

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "Setting up once: Python environment in $(VENV), $$(grep -c '==' $<) pinned and hashed packages."
	@python3 -m venv $(VENV) || { echo "Python 3.11 or later with venv is needed (Debian: apt install python3-venv)."; exit 1; }
	$(call install_locked,requirements.lock)
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable . 2>$(VENV)/install.log \
	  || { cat $(VENV)/install.log; exit 1; }
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.installed
	@echo "Setting up once: the tools for tests."
	$(call install_locked,requirements-dev.lock)
	@touch $@

# Needs uv. The two lock files are made from pyproject.toml.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group build -o requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group build --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV)
