# Two commands do all the set-up: `make drive` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
TOWN ?= Gridvale
AGENT ?= expert
SEED ?= 0
WORKERS ?= 2

.PHONY: help install install-dev drive test test-full lint suites towns clean
.DEFAULT_GOAL := help

help:  ## Show what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.venv/.base: pyproject.toml
	@sh setup/system_packages.sh
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.dev: .venv/.base
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

install: .venv/.base  ## Install into .venv
install-dev: .venv/.dev

drive: .venv/.base  ## Drive a route through a town in traffic; ends in a video and a report
	$(BIN)/alpamayo drive --town $(TOWN) --agent $(AGENT) --vehicles 40 --walkers 20 --seed $(SEED)

test: .venv/.dev  ## Run the tests at reduced sizes
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -m 'not full and not gpu' tests

test-full: .venv/.dev  ## Run the tests at the sizes the issues state
	HYPOTHESIS_PROFILE=search $(BIN)/pytest -m 'not gpu' tests

lint: .venv/.dev  ## Style, types and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

suites: .venv/.dev  ## Search our towns for places of the scenarios again and write the suites' routes
	$(BIN)/python -m alpamayo_scenarios.placement

towns: .venv/.dev  ## Write our towns' OpenDRIVE again
	$(BIN)/python -m alpamayo_sim.roads.towns

clean:  ## Remove the virtual environment and caches
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
