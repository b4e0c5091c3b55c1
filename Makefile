# Every target is one line over `python -m rehearsal`, pytest or a linter. `make help` prints them.
STACK ?= dev
PYTHON ?= python3
SERVICES ?= 5 50 200
REPLICAS ?= 2 10 50 100
# Tests that run the platform wait half of their time: three keep two cores busy. Each takes up to 3 GiB of memory.
WORKERS ?= 3
# One file of tests, or one test, in place of all.
FILE ?=
TESTS := $(or $(FILE),tests)
RUN := .venv/bin/python
# VERBOSE=1 prints a line for each resource.
DETAIL := $(if $(VERBOSE),--verbose)
CHECKOV := checkov==3.3.30

.DEFAULT_GOAL := help
.PHONY: help tag up doctor preview preflight costs status shell down test test-unit lint docs diagram pictures lock bench-preview bench-release preview-comment

help: ## print these targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The platform on this machine

up: .venv/installed ## bring the platform up on this machine [STACK=dev, VERBOSE=1]
	@$(RUN) -m rehearsal up --stack $(STACK) $(DETAIL)

status: .venv/installed ## show how it stands [STACK=dev]
	@$(RUN) -m rehearsal status --stack $(STACK)

preview: .venv/installed ## show what `up` would change [STACK=dev]
	@$(RUN) -m rehearsal preview --stack $(STACK) $(DETAIL)

preview-comment: .venv/installed ## the same as Markdown, as a pull request gets it [STACK=dev]
	@$(RUN) -m rehearsal preview --stack $(STACK) --markdown

shell: .venv/installed ## open a shell where plain pulumi and kubectl work on it [STACK=dev]
	@$(RUN) -m rehearsal shell --stack $(STACK)

doctor: .venv/installed ## say what on this machine would stop `make up`, or leave something out of it
	@$(RUN) -m tools.doctor

down: .venv/installed ## destroy it, verify that nothing is left, end its processes [STACK=dev]
	@$(RUN) -m rehearsal down --stack $(STACK) $(DETAIL)

##@ AWS

preflight: .venv/installed ## say what in the AWS account would stop the first `pulumi up` [STACK=dev]
	@$(RUN) -m tools.preflight --stack $(STACK)

costs: .venv/installed ## price what a stack creates, a month [STACK=dev]
	@$(RUN) -m tools.costs $(STACK)

##@ Tests

test: .venv/installed $(if $(filter tests tests/scan%,$(TESTS)),.venv-scan/installed) ## run every test [WORKERS=3], or one with what it needs [FILE=tests/…/test_x.py::test_y]
	$(if $(filter tests/unit/%,$(TESTS)),,-@$(RUN) -m tests.programs)
	@$(RUN) -m pytest $(if $(FILE),'$(FILE)',--numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder)

test-unit: .venv/installed ## run the tests that need PyPI only: a minute or two
	@$(RUN) -m pytest tests/unit --numprocesses=2

lint: .venv/installed ## ruff, the strict type checker, and which package may import which
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m basedpyright && .venv/bin/lint-imports

##@ Documents

docs: .venv/installed ## build the site of docs/ into .rehearsal/site; a link that leads nowhere fails
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet --strict

diagram: .venv/installed ## draw the platform, who reaches whom and Kibana's dashboard in docs/images/ from the program; takes Graphviz
	@$(RUN) -m tests.unit.diagrams.dashboard
	@$(RUN) -m tests.unit.diagrams.overview
	@$(RUN) -m tests.unit.diagrams.reach

pictures: .venv/installed ## record `make up` and take screenshots of a stack that is up [STACK=dev]
	@$(RUN) -m tools.recording --title 'make up' --last 60 docs/images/up.svg -- $(RUN) -m rehearsal up --stack $(STACK)
	@$(RUN) -m tests.traffic.browser $(STACK)

##@ Maintenance

lock: .venv/installed ## renew constraints.txt: the version of every package that ours need
	@grep --no-filename --invert-match '^-' requirements.txt requirements-dev.txt | .venv/bin/uv pip compile --quiet --upgrade \
	  --universal --python-version 3.11 --no-annotate --custom-compile-command "make lock" --output-file constraints.txt -

tag: .venv/installed ## tag the version of contract/version.py with its part of CHANGELOG.md
	@$(RUN) -m tools.tag

bench-preview: .venv/installed ## time previews and updates with SERVICES="5 50 200", a long time
	@$(RUN) -m tools.benchmarks $(SERVICES)

bench-release: .venv/installed ## time releases beside rolling updates of REPLICAS="2 10 50 100" pods: minutes
	@$(RUN) -m tools.benchmarks.release $(REPLICAS)

# Packages into an environment: by uv, in a third of pip's time; by pip where uv cannot, as with an index that only pip's
# configuration names.
install = $(1)/bin/pip install --quiet --disable-pip-version-check $$(grep '^uv==' requirements-dev.txt) && \
  $(1)/bin/uv pip install --quiet --python $(1)/bin/python --compile-bytecode $(2) 2>/dev/null || \
  $(1)/bin/pip install --quiet --disable-pip-version-check $(2)

.venv/installed: requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}: say make PYTHON=python3.11")'
	@echo "Making .venv: the Python packages of requirements-dev.txt"
	@$(PYTHON) -m venv .venv
	@$(call install,.venv,--requirement requirements-dev.txt)
	@touch $@

# checkov needs other versions of packages that the project has (boto3, for one): it gets an environment of its own.
.venv-scan/installed: Makefile
	@echo "Making .venv-scan: $(CHECKOV)"
	@$(PYTHON) -m venv .venv-scan
	@$(call install,.venv-scan,$(CHECKOV))
	@touch $@
