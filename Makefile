# Everything here is a thin wrapper: each target prints the plain command it runs, which works without make as well.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
# More arguments for ansible-playbook, such as ARGS="-e code_runner_port=8001".
ARGS ?=
# Several versions may be installed; the first that is new enough and can make virtual environments is taken. That of the
# distribution is compiled with profile-guided optimization, that of a version manager often without, and playbooks feel it.
PYTHONS := $(PYTHON) /usr/bin/python3 python3 python3.13 python3.12 python3.11
# A locale of its own: Ansible stops at one that is not UTF-8.
export LC_ALL ?= C.UTF-8
export PATH := $(abspath $(BIN)):$(PATH)
# What is compiled at its first use stays compiled: Ansible would take half a second more for each start.
unexport PYTHONDONTWRITEBYTECODE
PLAYBOOK := $(BIN)/ansible-playbook

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- what users need

.PHONY: venv
venv: $(VENV)/deploy.stamp ## Make the virtual environment with everything a deploy needs

.PHONY: deploy
deploy: venv ## Deploy (podman by default), run some code and show how
	$(PLAYBOOK) deploy.yml -e code_runner_install_missing=true $(ARGS)

.PHONY: verify
verify: venv ## Check the running service against the reference, as a table
	$(PLAYBOOK) playbooks/verify.yml $(ARGS)

.PHONY: status
status: venv ## Show the state of the deployment
	$(PLAYBOOK) playbooks/status.yml $(ARGS)

.PHONY: render
render: venv ## Write the manifests without deploying them
	$(PLAYBOOK) playbooks/render.yml $(ARGS)

.PHONY: teardown
teardown: venv ## Remove the deployment and its images
	$(PLAYBOOK) playbooks/teardown.yml $(ARGS)

# --- what developers need

.PHONY: serve
serve: venv-dev ## Run the service without containers, on loopback, for development
	PYTHONPATH=service $(BIN)/python -m code_runner.serve $(ARGS)

.PHONY: lint
lint: venv-dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --offline

.PHONY: test
test: prepare ## Run everything that needs no cluster (installs podman if it is missing)
	$(MAKE) --jobs=2 --output-sync=target lint test-collection test-image test-hostile test-molecule test-service test-units

# Each of these works alone and beside the others; the longest stand first. Their output comes when they have ended.
.PHONY: test-collection
test-collection: venv-dev ## Deploy, change and remove instances on podman
	$(BIN)/pytest tests/collection $(ARGS)

.PHONY: test-service
test-service: venv-dev ## Test the service over HTTP, without containers
	$(BIN)/pytest tests/service tests/programs $(ARGS)

.PHONY: test-units
test-units: venv-dev ## Test the parts of the service, and that the documents are true
	$(BIN)/pytest tests/unit tests/docs $(ARGS)

.PHONY: test-image
test-image: venv-dev ## Build the image on each base and look into it
	$(BIN)/pytest tests/image $(ARGS)

.PHONY: test-molecule
test-molecule: venv-dev ## Run molecule's whole sequence on podman
	$(BIN)/molecule test

.PHONY: test-hostile
test-hostile: venv-dev ## Attack a pod on podman in some 180 ways, and show that nothing comes of it
	$(BIN)/pytest tests/hostile $(ARGS)

.PHONY: walls
walls: venv-dev ## Attack without each wall in turn (half an hour), for the table of docs/threat-model.md
	$(BIN)/python tests/hostile/wall_by_wall.py $(ARGS)

# A real minikube in a cell of its own, for machines that have none: see tests/minikube/README.md. KEEP=1 leaves it up
# after test-minikube, CELL names another one, and MINIKUBE=existing tests on the minikube that runs on this machine.
# The tests wait more than they work, so STREAMS of them run beside each other, a file each.
CELL ?= lab
STREAMS ?= 4
KEEP ?=
MINIKUBE ?= own
CMD ?= bash

.PHONY: test-minikube
ifeq ($(MINIKUBE),existing)
test-minikube: venv-dev
	$(BIN)/pytest tests/cluster --verbose --numprocesses=$(STREAMS) --dist=loadfile --no-loadscope-reorder $(ARGS)
else
test-minikube: venv-dev ## Test on a cluster: a minikube of its own, or MINIKUBE=existing
	KEEP=$(KEEP) tests/minikube/with-cluster $(CELL) $(MAKE) --jobs=2 test-in-cell test-cells
endif

.PHONY: test-in-cell
test-in-cell: # on the cluster of the cell that is up
	tests/minikube/cell run $(CELL) $(MAKE) test-minikube MINIKUBE=existing STREAMS=$(STREAMS) ARGS='$(ARGS)'

.PHONY: test-cells
test-cells: venv-dev ## Show that cells disturb neither each other nor this machine
	$(BIN)/pytest tests/minikube

.PHONY: cluster-up
cluster-up: venv-dev ## Start that minikube (Linux, root; builds it for 15 minutes the first time)
	tests/minikube/up $(CELL)

.PHONY: cluster-run
cluster-run: ## Run CMD="kubectl get nodes" or the like in it; a shell without CMD
	tests/minikube/cell run $(CELL) $(CMD)

.PHONY: cluster-down
cluster-down: ## Take it away again; its images and programs stay in the cache
	tests/minikube/cell down $(CELL)

# The services to compare with, and the code that is run there, have a virtual environment of their own, with nothing in it that
# would make a Python start slower. Its Python is the distribution's, as in the image of ours: one that a version manager has
# compiled here may be slower by half.
.PHONY: bench
bench: venv $(VENV)-bench/requirements.stamp ## Measure beside other services, on podman (20 minutes; 4 with ARGS=--quick)
	$(BIN)/python -m bench --rivals-python $(VENV)-bench/bin/python $(ARGS)

$(VENV)-bench/requirements.stamp: $(VENV)/pip.stamp bench/requirements.txt
	python=/usr/bin/python3; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || python=$(BIN)/python; \
	"$$python" -m venv --clear --without-pip $(VENV)-bench
	$(BIN)/python -m pip --python $(VENV)-bench/bin/python install --quiet --disable-pip-version-check -r bench/requirements.txt
	touch $@

# Podman and its helpers, by the role that users get them from.
.PHONY: prepare
prepare: venv-dev
	$(PLAYBOOK) playbooks/deploy.yml --tags prerequisites -e code_runner_provider=podman -e code_runner_install_missing=true \
	    -e code_runner_port=18000

.PHONY: docs
docs: venv-dev ## Bring the generated parts of the documentation up to date
	$(BIN)/python docs/generate_variables.py
	$(BIN)/python docs/draw_terminal.py

.PHONY: build
build: venv ## Build the collection's archive into dist/
	$(BIN)/ansible-galaxy collection build --force --output-path dist .

.PHONY: clean
clean: ## Remove what building and testing left in this folder
	rm -rf $(VENV) $(VENV)-bench dist .ansible .cache .mypy_cache .pytest_cache .ruff_cache

.PHONY: venv-dev
venv-dev: $(VENV)/dev.stamp

# The files of this list are compiled when they are first used: compiling all of Ansible takes longer than fetching it.
$(VENV)/%.stamp: $(VENV)/pip.stamp requirements.txt requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r $(if $(filter dev,$*),requirements-dev.txt,requirements.txt)
	touch $@

$(VENV)/pip.stamp:
	@python=""; \
	for candidate in $(PYTHONS); do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Python 3.11 or newer with venv is needed and was not found. Install it:" >&2; \
	    if command -v apt-get >/dev/null; then echo "    sudo apt-get install python3 python3-venv" >&2; \
	    elif command -v dnf >/dev/null; then echo "    sudo dnf install python3.12" >&2; \
	    elif command -v brew >/dev/null; then echo "    brew install python@3.12" >&2; \
	    else echo "    see https://www.python.org/downloads" >&2; fi; \
	    echo "or name one: make PYTHON=/path/to/python3 ..." >&2; \
	    exit 1; \
	fi; \
	echo "$$python -m venv $(VENV)"; \
	"$$python" -m venv --clear $(VENV); \
	touch $@
