# Everything happens in .venv and build/; nothing is installed globally. `make help` lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON  ?= python3
MINUTES ?= 10
COUNT   ?= 1000000
ROUNDS  ?= 200
# The matrix takes as many as it is told; unlike the others a million would be two hours.
FAULTS   = $(if $(filter file,$(origin COUNT)),100000,$(COUNT))
# So does the way from loans to claims: a million of them is five minutes.
LOANS    = $(if $(filter file,$(origin COUNT)),100000,$(COUNT))
# A run takes a second or two.
RUNS     = $(if $(filter file,$(origin COUNT)),1000,$(COUNT))
ARGS    ?=
CHECKOUT ?=
# The last commit before special orders: what it costs to have them is counted against it.
SLICE   := 4774557d4cb8bac3588287dfcc0d9781c72f4224

VENV := .venv
PY   := $(VENV)/bin/python
PIP  := $(PY) -m pip install --quiet --disable-pip-version-check
EXT  := $(wildcard ext/parbook/*.pyx ext/parbook/*.pxd ext/parbook/*.pxi ext/parbook/*.h)

# The build requirements, read from where they are declared.
BUILD_REQUIRES = $$($(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')

# What `make check` needs on top: by name, because installing parbook again would compile it again.
CHECK_REQUIRES = $$($(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["check"])')

.PHONY: help run test test-slow check soak leaks feasibility faults kills runs endtoend mutants bench latency \
        public-adapter regression sizes build checked sanitize dist clean

help: ## list the targets
	@echo "make run      # try parbook          make test     # test it"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter of a new .venv; ARGS='-k curve' goes to pytest"

# --- the environment ----------------------------------------------------------------------------

# Stamps: a second `make test` installs nothing; a changed pyproject.toml, setup.py or ext/ does what it must.
$(VENV)/.made: pyproject.toml
	@PYTHON="$(PYTHON)" sh tools/need.sh
	@echo "parbook: making $(VENV) with $$($(PYTHON) --version) and the build tools"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PIP) pip $(BUILD_REQUIRES)
	@touch $@

$(VENV)/.installed: $(VENV)/.made setup.py
	@echo "parbook: installing parbook, editable, with what its tests need"
	@rm -rf build/release build/checked build/sanitize
	@$(PIP) --no-build-isolation --editable '.[test]'
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(EXT)
	@echo "parbook: building the compiled core in place"
	@$(PY) setup.py --quiet build_ext --inplace
	@touch $@

$(VENV)/.checkers: $(VENV)/.installed
	@echo "parbook: installing the checkers"
	@$(PIP) $(CHECK_REQUIRES)
	@touch $@

# --- using it -----------------------------------------------------------------------------------

run: $(VENV)/.built ## generate an order log, match it through book and curve, write out/report.html
	@mkdir -p out
	@echo "parbook: generating an order log"
	$(PY) -m parbook generate out/flow.pbk --messages 200000 --seed 7
	@echo "parbook: matching it through book and curve"
	$(PY) -m parbook replay out/flow.pbk --mode match --curve examples/listing.toml --report out/report.html

build: $(VENV)/.built ## build the compiled core in place

test: $(VENV)/.built ## build if needed and run the tests
	@echo "parbook: running the tests"
	@$(PY) -m pytest -m "not slow" $(ARGS)

test-slow: $(VENV)/.built ## run the slow tests: packaging, installation
	@echo "parbook: running the slow tests"
	@$(PY) -m pytest -m slow $(ARGS)

check: $(VENV)/.built $(VENV)/.checkers ## lint, format, types, stubs, house rules
	@echo "parbook: ruff (rules, format)"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@echo "parbook: cython-lint"
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cython-lint ext
	@echo "parbook: mypy --strict"
	@$(PY) -m mypy engine/parbook tests tools $(wildcard bench)
	@echo "parbook: stubtest (stubs against the compiled modules)"
	@$(PY) tools/stubtest.py
	@echo "parbook: house rules"
	@$(PY) -m pytest tests/style

soak: $(VENV)/.built ## reference and core in lockstep on random streams, markets then exchanges, MINUTES=10 each
	@echo "parbook: parity soak of markets for $(MINUTES) minutes"
	@$(PY) -m tests.parity.soak --minutes $(MINUTES)
	@echo "parbook: parity soak of exchanges for $(MINUTES) minutes"
	@$(PY) -m tests.exchange.soak --minutes $(MINUTES)

leaks: $(VENV)/.built ## make and drop COUNT=1000000 exchanges with everything in them
	@echo "parbook: $(COUNT) exchanges, made and dropped"
	@$(PY) -m tests.exchange.leaks --count $(COUNT)

feasibility: $(VENV)/.built ## FOK and min_lots against what IOC trades, in COUNT=1000000 random cases
	@echo "parbook: $(COUNT) cases of feasibility against execution"
	@$(PY) -m tests.properties.feasibility --count $(COUNT)

faults: $(VENV)/.built ## COUNT=100000 distinct faults of the journal's medium, and what recovery makes of each
	@echo "parbook: the fault matrix of the journal"
	@$(PY) -m tests.journal.faults --count $(FAULTS)

kills: $(VENV)/.built ## kill ROUNDS=200 processes that write a journal, and open what they leave
	@echo "parbook: $(ROUNDS) processes killed under load"
	@$(PY) -m tests.journal.kills --rounds $(ROUNDS)

endtoend: $(VENV)/.built ## the whole way on COUNT=100000 loans: default rates to claims, journal, follower
	@echo "parbook: end to end on $(LOANS) loans"
	@$(PY) -m tests.protocol.endtoend --count $(LOANS)

runs: $(VENV)/.built ## play COUNT=1000 seeds of a run on a pool, and what it does to those who stay
	@echo "parbook: $(RUNS) runs on a pool"
	@$(PY) -m parbook simulate --seed 0 --seeds $(RUNS) $(ARGS)

mutants: $(VENV)/.built ## plant faults, see who notices; ARGS="--sample 5"
	@$(PY) -m tools.mutants $(ARGS)

bench: $(VENV)/.built ## measure the release build
	@echo "parbook: benchmarks"
	@$(PY) -m bench --against $(SLICE) $(ARGS)

public-adapter: $(VENV)/.built ## the core behind the public matching benchmark: CHECKOUT=path of its sources
	@test -n "$(CHECKOUT)" || { echo "give the benchmark's sources: make public-adapter CHECKOUT=path" >&2; exit 2; }
	@$(PY) -m bench.public "$(CHECKOUT)"

latency: $(VENV)/.built ## how long commands take in the core, alone and under load
	@echo "parbook: latency"
	@$(PY) -m bench.latency $(ARGS)

regression: $(VENV)/.built ## hold instructions a command to bench/baseline.json, under valgrind
	@echo "parbook: instructions a command against the baseline"
	@$(PY) -m bench.regression $(ARGS)

sizes: $(VENV)/.built ## measure cost against size, draw docs/sizes-*.svg and write docs/sizes.json
	@echo "parbook: cost per message against the size of the book, about three minutes"
	@$(PY) -m bench.sizes --write docs $(ARGS)

# --- other builds -------------------------------------------------------------------------------

# These live in build/<flavour>/lib and are put before the editable install: release files stay as they are.
checked: $(VENV)/.built ## build with bounds checks and assertions, run the tests on that
	@sh tools/flavour.sh checked $(PY) $(ARGS)

sanitize: $(VENV)/.built ## build with AddressSanitizer and UBSan, run the tests on that
	@sh tools/flavour.sh sanitize $(PY) $(ARGS)

dist: $(VENV)/.made ## make the sdist and the wheel in dist/
	@echo "parbook: building sdist and wheel"
	@rm -rf dist
	@$(PY) -c 'from setuptools import build_meta as b; b.build_sdist("dist"); b.build_wheel("dist")' > build.log 2>&1 \
	  || { cat build.log >&2; exit 1; }
	@rm -f build.log
	@ls dist

clean: ## remove everything made here: .venv, build/, dist/, out/, caches, compiled modules
	@echo "parbook: removing .venv, build/, dist/, out/, caches and compiled modules"
	@rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks build.log
	@rm -rf engine/*.egg-info engine/parbook/*.so
	@find engine ext tests bench tools examples -name __pycache__ -type d -prune -exec rm -rf {} +
