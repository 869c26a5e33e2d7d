# Thin lines over commands that anyone can type.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin

.PHONY: install run wheel lock web migration snapshots test check fix demo screenshots bench bench-idle bench-desk bench-detector bench-answers train clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@

run: $(VENV)/runs
	$(BIN)/python app.py

# What running needs, and no more: a newcomer should not wait for the tools of development.
$(VENV)/runs: pyproject.toml deploy/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# What operators install, in an empty environment, from the index that pip is configured with.
RELEASE ?= build/installed

wheel: install
	rm -rf dist $(RELEASE)
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/pip install --quiet --disable-pip-version-check dist/*.whl
	HANDOFF_INSTALLED=$(abspath $(RELEASE)) $(BIN)/python -m pytest -n 2 -q tests/release

# The versions that the container and `make run` install, with the hashes of their files.
lock: install
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --custom-compile-command 'make lock' --output-file deploy/requirements.txt --extra sources $(ARGS) pyproject.toml

# The sandbox's page and the website's chat. What they build is committed, so that running needs no Node.
web:
	cd handoff_sandbox/web && npm ci --no-fund --no-audit --loglevel=error && npm run --silent build

# The next migration, from what the models have and the migrations do not.
migration: install
	$(BIN)/python -m handoff_bot.storage.migrations $(NAME)

# The snapshots, and the tables in docs/, made of the code again; the diff shows what changed. Contracts
# are made of recordings, and two tests may write one page.
snapshots: export HANDOFF_UPDATE_SNAPSHOTS = 1
snapshots: install
	$(BIN)/python -m pytest -n 2 -q tests/desk/test_recordings.py
	$(BIN)/python -m pytest -n 2 --dist loadfile -q tests/slack/test_snapshots.py tests/texts tests/contracts tests/docs

# Minutes: without the browser, processes that are killed, and the second database where it repeats the first.
test: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not thorough" $(ARGS)

# Three processes for two processors: one begins with the tests that mostly wait (see tests/conftest.py).
check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 3 --dist worksteal -q --cov --cov-report=term:skip-covered $(ARGS)

fix: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: install
	$(BIN)/python -m handoff_bot demo

# The README's pictures, from the running sandbox (fonts-noto-color-emoji makes them prettier).
screenshots: install
	$(BIN)/python -m tests.browser.screenshots

bench: install
	$(BIN)/python -m bench.saturation $(ARGS)

bench-idle: install
	$(BIN)/python -m bench.idle

bench-desk: install
	$(BIN)/python -m bench.desk

# The folder of labelled conversations that the detector learns from; see docs/detector.md.
DATA ?= ../shared/data/detection

$(VENV)/trains: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[train]'
	touch $@

# From the data to the arrays that are shipped: first the encoder, then the detector.
train: $(VENV)/trains
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.build_encoder
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.train_detector $(DATA)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.train_phrases $(DATA)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.train_small_talk
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.train_mentions $(DATA)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.train_answers

# On knowledge bases that nothing was trained on.
bench-answers: install
	$(BIN)/python -m bench.answers

bench-detector: $(VENV)/trains
	$(BIN)/python -m bench.detector_speed
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.detector $(if $(wildcard $(DATA)),--held-out $(DATA))

clean:
	rm -rf $(VENV) build dist *.egg-info
