# Two words for a newcomer: `make run` and `make test`. Everything else is for builders.
VENV := .venv
PIP  := $(VENV)/bin/python -m pip --disable-pip-version-check

.PHONY: run test install dev bench lock clean

run: install
	@$(VENV)/bin/liqbot run -c config.yaml

test: dev
	@$(VENV)/bin/python -m pytest

install: $(VENV)/.installed

dev: $(VENV)/.dev

bench: dev
	@$(VENV)/bin/python -m tests.bench

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "Setting up once: Python environment in $(VENV), $$(grep -c '==' requirements.lock) pinned and hashed packages."
	@python3 -m venv $(VENV)
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.installed
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

lock:  ## needs uv; the two lock files are made from pyproject.toml
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group build -o requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group build --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV)
