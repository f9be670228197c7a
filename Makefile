# make run   sets everything up and serves the product with the sample clinic on http://127.0.0.1:8000
# make test  sets everything up and passes the tests; make lint, make bench: see README.md
PORT ?= 8000
VAR ?= var
export UV_PYTHON_DOWNLOADS := never
UV := .tools/bin/uv
PY := .venv/bin/python

.PHONY: run test lint bench setup lock format
run: .venv/.stamp
	@VAR="$(VAR)" $(PY) manage.py run_demo --port "$(PORT)"

test: .venv/.stamp
	@$(PY) tools/services run tools/suite $(ARGS)

lint: .venv/.stamp
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy
	@git ls-files -co --exclude-standard 'templates/*.html' | xargs .venv/bin/djade --check --target-version 6.1
	@$(PY) manage.py makemigrations --check --dry-run

bench: .venv/.stamp
	@$(PY) tools/services run $(PY) -m tests.bench $(ARGS)

format: .venv/.stamp
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format .
	@git ls-files -co --exclude-standard 'templates/*.html' | xargs .venv/bin/djade --target-version 6.1

setup: .venv/.stamp

# After editing a .in file: make lock, read the difference, commit both.
lock: $(UV)
	@for set in tools/uv requirements requirements-dev; do \
	  $(UV) pip compile -q --universal --generate-hashes --python-version 3.12 --no-header $$set.in -o $$set.txt; done

$(UV): tools/uv.txt
	@p="$$(tools/find-python)" && rm -rf .tools && \
	  "$$p" -m pip install -q --disable-pip-version-check --root-user-action ignore --no-deps --require-hashes --target .tools -r tools/uv.txt && touch $@

.venv/.stamp: requirements-dev.txt $(UV)
	@p="$$(tools/find-python)" && { [ -x .venv/bin/python ] || $(UV) venv -q --python "$$p" .venv; }
	@$(UV) pip sync -q --require-hashes --python .venv/bin/python requirements-dev.txt && touch $@
