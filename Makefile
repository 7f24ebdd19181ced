# `make run` starts a node of four drives, `make test` proves the tree. Both make their environment first.
#
#   make run ADDRESS=0.0.0.0:9000 DATA=/srv/s3
#   make test TESTS="tests/unit -k listing"

PYTHON  ?= python3
ADDRESS ?= 127.0.0.1:9000
DATA    ?= ./data
# A file of tests stays in one process, so that a node which its tests share is started once. One process more than there
# are processors: many tests wait for the programs that they started.
WORKERS ?= $(shell echo $$(($$(nproc) + 1)))
TESTS   ?=
# Budgets of the longer runs.
SEEDS      ?= 1-1000
EXECUTIONS ?= 1000000
KILLS      ?= 200
OPS        ?= 20000
TOTAL      ?= 1000000
STEPS      ?= 20000
NODES      ?= 3
# What `python -m bench compare` is to measure: NAME=URL ..., then its options.
BENCH   ?= node=http://$(ADDRESS)

VENV := .venv
BIN  := $(VENV)/bin
# A stamp is as old as the installation that it stands for; a changed pyproject.toml makes it too old.
CREATED         := $(VENV)/created
INSTALLED       := $(VENV)/installed
INSTALLED_TEST  := $(VENV)/installed-test
INSTALLED_BENCH := $(VENV)/installed-bench
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help run test lint format simulate fuzz model storm linear linear-cluster linear-rounds sweeps memory slow-drives long cluster-clients bench clean

help:
	@echo 'make run     start a node of four drives under $(DATA) on $(ADDRESS)'
	@echo 'make test    run the whole suite'
	@echo 'make lint    run the rules of the tree, ruff and mypy only'
	@echo 'make format  rewrite the sources as ruff formats them'
	@echo 'make simulate | fuzz | model | storm | linear | linear-cluster | linear-rounds | sweeps | memory | slow-drives | long | cluster-clients   run a part of the suite for long: docs/testing.md'
	@echo 'make bench   measure a running node: make bench BENCH="$(BENCH) --op put --size 4KiB"'
	@echo 'make clean   remove the environment and caches; data stays'

# The quotes keep {1...4} from every shell: the node reads the ellipsis itself. `exec` lets signals reach the node.
run: $(INSTALLED)
	@mkdir -p "$(DATA)/drive1" "$(DATA)/drive2" "$(DATA)/drive3" "$(DATA)/drive4"
	@exec $(BIN)/rustfs-node serve --address "$(ADDRESS)" \
		--credentials-file "$(DATA)/credentials.toml" "$(DATA)/drive"'{1...4}'

test: $(INSTALLED_TEST)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(INSTALLED_TEST)
	$(BIN)/python -m pytest -q tests/tidy

format: $(INSTALLED_TEST)
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

# The suite with larger budgets: docs/testing.md.
simulate: $(INSTALLED_TEST)
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)

fuzz: $(INSTALLED_TEST)
	$(BIN)/python -m tests.fuzz all --executions $(EXECUTIONS)

model: $(INSTALLED_TEST)
	$(BIN)/python -m tests.model --steps $(STEPS)

storm: $(INSTALLED_TEST)
	$(BIN)/python -m tests.node.storm --kills $(KILLS)

linear: $(INSTALLED_TEST)
	$(BIN)/python -m tests.linear --ops $(OPS)

linear-cluster: $(INSTALLED_TEST)
	$(BIN)/python -m tests.linear --nodes 3 --drives 2 --clients 48 --teams 12 --ops $(OPS)

linear-rounds: $(INSTALLED_TEST)
	$(BIN)/python -m tests.linear.rounds --total $(TOTAL)

sweeps: $(INSTALLED_TEST)
	SWEEPS=all $(BIN)/python -m pytest -q -n $(WORKERS) -o faulthandler_timeout=0 tests/unit/drive/test_sweeps.py tests/unit/erasureset/test_set_sweeps.py tests/unit/erasureset/test_set_failures.py tests/simulation/test_renames.py

long: $(INSTALLED_TEST)
	$(BIN)/python -m pytest -q -m long -o faulthandler_timeout=0 tests

memory: $(INSTALLED_TEST)
	MEMORY_TEST_OBJECT_MIB=5120 $(BIN)/python -m pytest -q -s -o faulthandler_timeout=0 tests/node/test_memory.py

slow-drives: $(INSTALLED_TEST)
	$(BIN)/python -m tests.node.slow

cluster-clients: $(INSTALLED_TEST)
	$(BIN)/python -m tests.cluster.clients --namespaces --nodes $(NODES) --drives 4

bench: $(INSTALLED_BENCH)
	$(BIN)/python -m bench compare $(BENCH)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find bench rustfs_node rustfs_proto tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(INSTALLED): pyproject.toml | $(CREATED)
	@echo 'installing rustfs-node into $(VENV) ...'
	@$(PIP) --editable .
	@touch $@

$(INSTALLED_TEST): pyproject.toml | $(CREATED)
	@echo 'installing rustfs-node with its tests and their clients into $(VENV) ...'
	@$(PIP) --editable '.[test,clients,otel]'
	@touch $@ $(INSTALLED)

$(INSTALLED_BENCH): pyproject.toml | $(CREATED)
	@echo 'installing rustfs-node with its benchmarks into $(VENV) ...'
	@$(PIP) --editable '.[bench]'
	@touch $@ $(INSTALLED)

# Debian ships python3 without ensurepip, and `python3 -m venv` then leaves half an environment: look before.
$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "rustfs-node needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
		echo "Install one, or name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif command -v virtualenv >/dev/null; then virtualenv --quiet --python "$(PYTHON)" $(VENV); \
	else echo "$(PYTHON) cannot create an environment. On Debian: apt-get install python3-venv" >&2; exit 1; fi
	@touch $@
