# Every target sets up what it needs. PYTHON picks the interpreter, DIORAMA_HOME the folder for config, data and cache.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-stamp
INPUTS := pyproject.toml constraints.txt requirements-dev.txt scripts/setup.sh $(wildcard plugins/*/pyproject.toml)

.PHONY: help setup run test check format web bench clean

help: ## Say what can be done.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## Make the environment in .venv; the command is .venv/bin/diorama.

$(STAMP): $(INPUTS)
	@sh scripts/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $(STAMP)

run: setup ## Make a first picture, then serve the page at http://127.0.0.1:8031.
	@sh scripts/first-run.sh "$(BIN)"

test: setup ## Run the whole suite.
	@sh scripts/test.sh "$(BIN)"

check: setup ## Lint, types, layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@sh scripts/check-web.sh

format: setup ## Format and fix what can be fixed by itself.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

web: ## Build the studio into the package.
	@sh scripts/build-web.sh

bench: setup ## Print the table of figures, each beside its rival.
	$(BIN)/python tests/bench/run_all.py

clean: ## Remove the environment and build outputs.
	rm -rf $(VENV) build dist web/ui/node_modules web/src/diorama_web/static
