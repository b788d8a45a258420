SHELL := /bin/sh
.DEFAULT_GOAL := test
.NOTPARALLEL:
.PHONY: run screenshots test test-all bench peers fuzz audit setup packages lint mypy extension types golden lock clean
.PHONY: mutants dist zips self-hosted python bundle deb sbom packagers

PYTHON ?= python3
BIN := .venv/bin
VENV := .venv/.installed
NODE := node_modules/.installed
BUNDLER := build/venv/.installed

BROWSERS := chromium firefox-esr fonts-dejavu-core
SERVERS := curl nsd postfix dovecot-imapd dovecot-pop3d dovecot-managesieved nftables iproute2 openssl acl
PACKAGERS := binutils debootstrap lintian
PIP := python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-config --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links
CHECKS := lint mypy extension

# Chromium, or Firefox, in a throw-away profile, with the extension, the host and the demo's mail servers.
run: $(VENV)
	@sh tests/tools/debian_packages.sh $(BROWSERS)
	@$(BIN)/python tests/browser/run.py

# What is handed out, in $(DIST): all of it, or one kind. docs/packaging.md says what the variables are.
DIST ?= dist
KEY ?= .keys/extension.pem
PACKAGE_OPTIONS = --dist '$(DIST)' --key '$(KEY)' $(if $(BASE_URL),--base-url '$(BASE_URL)') $(if $(IDS),--ids '$(IDS)') \
    $(if $(FIREFOX_ID),--firefox-id '$(FIREFOX_ID)') $(if $(SIGNED_XPI),--signed-xpi '$(SIGNED_XPI)')
dist zips self-hosted python bundle deb sbom: $(BUNDLER)
	@PYTHONPATH=host build/venv/bin/python -m manifests.packages $@ $(PACKAGE_OPTIONS)

# Every check runs, whatever failed before it, beside the tests. What takes longer than 15 minutes is for test-all. Tests
# wait more than they work: there are more processes for them than processors.
WORKERS ?= 5
test: SELECTION := -m "not slow"
test-all: packagers $(BUNDLER)
test test-all: setup
	@$(BIN)/python tests/tools/all_checks.py $(MAKE) $(CHECKS) -- \
	    $(BIN)/pytest --numprocesses $(WORKERS) $(SELECTION)

# Every screen, in light and dark and several languages, to be looked at.
screenshots: $(VENV)
	@sh tests/tools/debian_packages.sh $(BROWSERS)
	@$(BIN)/python tests/browser/screenshots.py .run/screens
	@$(BIN)/python tests/browser/run.py --pictures docs/images

# Ratios, on a line that delays; needs root, as the lab does.
bench: setup peers
	@$(BIN)/python -m tests.bench.verdict
	@$(BIN)/python -m tests.bench.peers $(BENCH_OPTIONS)
	@$(BIN)/python -m tests.bench.popup

peers:
	@sh tests/tools/bench_peers.sh || echo "bench: peers that could not be installed are left out"

# A minute for each parser, or SECONDS; TARGETS are some of them.
SECONDS ?= 60
fuzz: $(VENV)
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(TARGETS)

# Changes of the code that no unit test notices; SUBJECTS are some of those of tests/tools/mutants.toml.
SUBJECTS ?= policy gate diagnosis
mutants: $(VENV)
	@$(BIN)/python tests/tools/mutants.py $(SUBJECTS)

# Known vulnerabilities of what is pinned, where their data can be reached, and bandit.
audit: $(VENV) $(NODE)
	@$(BIN)/python tests/tools/audit.py

setup: $(VENV) $(NODE) packages

packages:
	@sh tests/tools/debian_packages.sh $(BROWSERS) $(SERVERS)

packagers:
	@sh tests/tools/debian_packages.sh $(PACKAGERS)

lint: $(VENV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=host $(BIN)/lint-imports --no-logo --no-cache

# The tests make network namespaces, which only Linux has; the host runs everywhere.
mypy: $(VENV)
	$(BIN)/mypy --strict
	$(BIN)/mypy --strict --platform win32 --cache-dir .mypy_cache/win32 host
	$(BIN)/mypy --strict --platform darwin --cache-dir .mypy_cache/darwin host

extension: $(VENV) $(NODE)
	node_modules/.bin/tsc -p .
	$(BIN)/python tests/tools/lint_extension.py
	node --test --test-reporter spec tests/extension/*.test.mjs tests/extension/*/*.test.mjs

types: $(VENV) $(NODE)
	$(BIN)/python tests/tools/messages_types.py
	$(BIN)/python tests/tools/extension_data.py
	$(BIN)/python tests/tools/extension_pages.py

# Every word of the terminal and of the extension, held fast: tests/golden/README.md.
golden: $(VENV)
	$(BIN)/python -m tests.golden

lock: $(VENV)
	$(COMPILE) --upgrade --extra demo --group dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock
	$(COMPILE) --extra demo --group bundle --constraint requirements.lock --output-file requirements-bundle.lock pyproject.toml
	npm install --package-lock-only --ignore-scripts

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .run build dist

# Some packages come as source only: they are built with the build tools of the lock, not with whatever is newest.
$(VENV): requirements.lock requirements-build.lock pyproject.toml
	@$(BIN)/python -c pass 2>/dev/null || $(PYTHON) -m venv --clear .venv
	$(BIN)/$(PIP) --require-hashes --only-binary :all: --requirement requirements-build.lock
	$(BIN)/$(PIP) --require-hashes --no-build-isolation --use-pep517 --requirement requirements.lock
	$(BIN)/$(PIP) --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q host
	@touch $@

# Apart from .venv: what is not needed to run must not get into the bundle.
$(BUNDLER): requirements-build.lock requirements-bundle.lock
	@build/venv/bin/python -c pass 2>/dev/null || $(PYTHON) -m venv --clear build/venv
	build/venv/bin/$(PIP) --require-hashes --only-binary :all: --requirement requirements-build.lock
	build/venv/bin/$(PIP) --require-hashes --no-build-isolation --use-pep517 --requirement requirements-bundle.lock
	@touch $@

$(NODE): package-lock.json package.json .npmrc
	npm ci --ignore-scripts --no-fund --no-audit
	@touch $@
