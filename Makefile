# Only python3 >= 3.11 and make are presumed. uv and Node live in a private environment (.venv-boot);
# nothing is installed outside this folder except by `make test`, which asks apt for missing browsers and servers.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: run test e2e chaos unit webtest lint types bench fmt web system screenshots clean

PY ?= python3
BOOT := .venv-boot
UV := $(BOOT)/bin/uv
BIN := .venv/bin
export PATH := $(CURDIR)/$(BOOT)/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# Without bytecode every start compiles hundreds of files; some containers forbid Python to write it.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

# One line per step; the output of a step is shown only when it fails.
step = @mkdir -p .make; echo "==> $(1)"; ( $(2) ) >.make/step.log 2>&1 || { cat .make/step.log; echo "==> failed: $(1)"; exit 1; }

$(UV):
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Remote Assist needs Python 3.11 or newer; name one with: make PY=python3.12 ..."; exit 1; }
	@$(PY) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	$(call step,private environment for uv and Node,$(PY) -m venv $(BOOT) && $(BOOT)/bin/pip install -q --disable-pip-version-check -r docker/boot-requirements.txt)

.venv/.stamp: pyproject.toml uv.lock | $(UV)
	$(call step,Python packages,$(UV) sync --frozen --all-extras --python $(PY) && touch $@)

PYTHON_SOURCES := $(shell find remote_assist -name '*.py')
.make/bytecode: .venv/.stamp $(PYTHON_SOURCES)
	@mkdir -p .make && $(BIN)/python -m compileall -q remote_assist && touch $@

web/node_modules/.stamp: web/package.json web/package-lock.json | $(UV)
	$(call step,web packages,cd web && npm ci && touch node_modules/.stamp)

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)
remote_assist/static/.built: $(WEB_SOURCES) web/node_modules/.stamp
	$(call step,web pages,cd web && npm run build && touch ../$@)

web: remote_assist/static/.built

# LAN=1 adds HTTPS on the local network, with a QR code for a phone.
run: .make/bytecode web
	@exec $(BIN)/remote-assist serve --demo $(if $(LAN),--lan)

system:
	@./docker/ensure-system.sh

# make test ARGS="-k relay" narrows it down.
test: .make/bytecode web system webtest
	@$(BIN)/pytest $(ARGS)

unit: .venv/.stamp web
	@$(BIN)/pytest -m "not browser and not chaos" $(ARGS)

e2e: .venv/.stamp web system
	@$(BIN)/pytest tests/e2e $(ARGS)

chaos: .venv/.stamp web system
	@$(BIN)/pytest tests/chaos $(ARGS)

webtest: web
	$(call step,web unit tests,cd web && npm test)

lint: .venv/.stamp web/node_modules/.stamp
	$(call step,ruff,$(BIN)/ruff check . && $(BIN)/ruff format --check .)
	$(call step,layers,$(BIN)/lint-imports --no-cache)
	$(call step,prettier,cd web && npm run lint)

types: .venv/.stamp web
	$(call step,mypy,$(BIN)/mypy)
	$(call step,svelte-check,cd web && npm run check)
	$(call step,generated types are up to date,cd web && npm run types:check)
	$(call step,page size,cd web && npm run size)

fmt: .venv/.stamp web/node_modules/.stamp
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
	@cd web && npm run fmt

bench: .venv/.stamp web system
	@$(BIN)/python -m bench $(ARGS)

screenshots: .venv/.stamp web system
	@$(BIN)/pytest tests/e2e -k screenshots && ls test-output

clean:
	rm -rf .venv .venv-boot .make web/node_modules remote_assist/static test-output
