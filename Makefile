# `make demo` and `make test` do all the set-up on a fresh Debian 12 with Python 3.11.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint install system browser server clean

demo: $(VENV)/demo.stamp
	$(BIN)/whalepipe demo

test: $(VENV)/test.stamp browser server lint
	$(BIN)/python -m pytest

lint: $(VENV)/test.stamp
	$(BIN)/ruff check whalepipe tests
	$(BIN)/mypy

install: $(VENV)/demo.stamp

# What pip cannot bring: the venv module itself and the two libraries that OpenCV's wheel is linked against.
system:
	@sh scripts/system-packages.sh "$(PYTHON)"

# The report is tested in a real browser; without one those tests are skipped and say so.
browser: system
	@sh scripts/system-packages.sh "$(PYTHON)" chromium || echo "no chromium: the page will not be tested" >&2

# So is the catalogue on a real database server.
server: system
	@sh scripts/system-packages.sh "$(PYTHON)" postgresql || echo "no PostgreSQL: it will not be tested" >&2

$(BIN)/python: | system
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/test.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[train,openvino,explain,review,dev]'
	touch $@ $(VENV)/demo.stamp

clean:
	rm -rf $(VENV) whalepipe-demo
