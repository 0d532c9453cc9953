# Two commands do everything: `make demo` and `make test`. Both install what is missing first.
.PHONY: help install demo demo-containers base-image dev test unit check campaign bench lock clean
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

help:             ## say what there is
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' Makefile | expand -t 18

install:          ## install what a run needs: packages, .venv
	@PYTHON="$(PYTHON)" scripts/setup run

demo: install     ## the nightly flows, then a drill that kills the primary, then the verdict and the report
	@$(BIN)/blackstart demo

demo-containers: install  ## the same with two sites of containers; needs a Docker daemon
	@BASE="$$(scripts/containers image)" && export BASE && $(BIN)/blackstart demo --containers

base-image:       ## the base of the containers' image, by debootstrap, where no registry is within reach
	@scripts/containers base

dev:
	@PYTHON="$(PYTHON)" scripts/setup dev

test: check       ## all tests but the long proofs
	$(BIN)/python -m pytest -m "not campaign" -n 3

unit: dev         ## the tests that need no server and no PostgreSQL
	$(BIN)/python -m pytest -m "not campaign and not e2e" tests/rto_rpo tests/sites/plan tests/test_tidy.py

check: dev        ## style, types, import contracts, house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_tidy.py

campaign: dev     ## the long proofs, whole; writes docs/proof.md
	$(BIN)/python -m tests.campaign

bench: dev        ## measurements beside raw tools and peers, as JSON
	$(BIN)/python -m benchmarks

lock:             ## pin everything anew, with hashes
	@PYTHON="$(PYTHON)" scripts/lock

clean:            ## remove what make made here, never ./evidence
	scripts/containers stop
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
