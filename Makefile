# Bare `make` lists the targets. Every target first makes what it needs (local_stack/setup.sh).
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Many images set it. Each of hundreds of processes would then compile the same libraries anew.
unexport PYTHONDONTWRITEBYTECODE
# How long a measurement is, as a target's parameter; bash would count its own seconds from there.
unexport SECONDS

BIN := .venv/bin
HOME_DIR := $(or $(PAYMENTS_HOME),.payments)
STATE := jars test-tools java java.stamp maven warehouse-env docs-env oldest-env peers kafka bigquery checkpoints staging dagster logs run manifests
KILLS ?= 20
SEED ?= 1
SECONDS_PACED = $(or $(SECONDS),600)
RATE_PACED = $(if $(filter command line,$(origin RATE)),$(RATE),10000)
PYTEST_OPTIONS ?=
# Test files at a time.
WORKERS ?= 2

# What shortens a benchmark: only what is given on the command line is passed on. DRY=1 keeps nothing.
given = $(if $($(1)),--$(2) $($(1)))
dry = $(if $(DRY),--dry)

.PHONY: help setup once lint type test test-thorough test-long test-unit test-integration demo up down status doctor schema alerts sbom audit column-lineage figures chaos rebuild-figures stages peers bench bench-quick bench-latency bench-state bench-scaling bench-rates bench-days bench-scores bench-patches soak simulator-figures scenarios bytes docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv, the warehouse's environment, Java, the jars and dbt's manifest, where missing or outdated
	@local_stack/setup.sh

once: # the same, without what only many runs pay back
	@local_stack/setup.sh once

lint: setup ## check the style of Python and SQL
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project

type: setup ## check the types
	$(BIN)/mypy

test: lint type ## lint, types and the tests, two files at a time (WORKERS=2)
	$(BIN)/pytest -m "not long and not thorough" --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_OPTIONS)

test-thorough: setup ## only the tests that kill, damage, refuse and start anew; CI runs them after `make test`
	$(BIN)/pytest tests -m "thorough and not long" --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_OPTIONS)

test-long: setup ## only the tests that take many minutes, such as a hundred verifications beside traffic
	$(BIN)/pytest tests -m long $(PYTEST_OPTIONS)

.PHONY: test-cluster
test-cluster: setup ## the whole path on machines made of network namespaces, each part killed under load (ten minutes, root)
	@tests/cluster/tools.sh
	$(BIN)/pytest tests/cluster -m "" -x $(PYTEST_OPTIONS)

.PHONY: test-pairs
test-pairs: setup ## the job on the oldest Spark and Python that it claims to run on, beside the newest (minutes)
	@local_stack/setup.sh oldest
	$(BIN)/pytest tests/pairs -m "" $(PYTEST_OPTIONS)

test-unit: setup ## only the tests that start nothing
	$(BIN)/pytest tests/unit tests/architecture $(PYTEST_OPTIONS)

test-integration: setup ## only the tests on a real broker, Spark and warehouse
	$(BIN)/pytest tests/integration $(PYTEST_OPTIONS)

screenshots: setup ## draw the dashboard of a made-up day into docs/
	PAYMENTS_SCREENSHOTS=1 $(BIN)/pytest tests/integration/test_dashboard_page.py -k screenshots -q

sbom: setup ## list every package and jar with its version and hash, as CycloneDX, into build/sbom.json
	@local_stack/setup.sh docs
	@mkdir -p build
	"$(HOME_DIR)/docs-env/bin/cyclonedx-py" requirements requirements/image.txt --output-format JSON --output-file build/python.json
	$(BIN)/python deploy/image/sbom.py build/python.json local_stack/jars.txt \
		$$($(BIN)/python -c 'import pathlib, pyspark; print(pathlib.Path(pyspark.__file__).parent / "jars")') >build/sbom.json

audit: setup ## hold every locked package and jar against known weaknesses (OSV); fails where the database cannot be reached
	@$(BIN)/python -m deploy.audit $(ADVISORIES)

column-lineage: setup ## write which columns each column of dbt's models is made of, for Dagster's UI
	PAYMENTS_COLUMN_LINEAGE=1 $(BIN)/pytest tests/dbt/test_build.py -k lineage -q

demo: once ## run the whole platform once, and prove that nothing was lost or counted twice
	$(BIN)/payments demo

up: setup ## start everything with the Dagster UI and steady traffic (RATE= payments a second)
	$(BIN)/payments up $(call given,RATE,rate)

down: setup ## stop everything
	$(BIN)/payments down

status: setup ## what runs, and how far it is
	$(BIN)/payments status

doctor: setup ## what on this machine would stop it from running
	$(BIN)/payments doctor

schema: setup ## write docs/payment-event.schema.json from the contract
	$(BIN)/python -c 'import json; from spark_jobs.contract.payment_event import json_schema; print(json.dumps(json_schema(), indent=2))' \
		> docs/payment-event.schema.json

alerts: setup ## write rules, Grafana dashboard and tables of the alerts; with RUNBOOKS=address print rules that link there
	@$(BIN)/python -m orchestration.alerts.files $(RUNBOOKS)

figures: setup ## measure the streaming job, and write the figures into the docs
	$(BIN)/python -m benchmarks.measurements.streaming

chaos: setup ## kill parts of the running platform at random, then count (KILLS=20 SEED=1); writes docs/reliability.md
	$(BIN)/python -m tests.faults.chaos --kills $(KILLS) --seed $(SEED) --report
	$(BIN)/python -m handbook.summary

rebuild-figures: setup ## time the rebuilding of a lost checkpoint at 1 and 10 million payments
	$(BIN)/python -m benchmarks.measurements.rebuilding

stages: setup ## measure where the CPU time of a record goes
	$(BIN)/python -m benchmarks.measurements.stages

peers: setup ## make the environments of those that `bench` runs beside ours
	@benchmarks/peers/setup.sh

bench: peers ## ours and its peers on the same 2 million events, then each killed once (25 minutes; EVENTS= ROUNDS= KILLED_EVENTS=)
	$(BIN)/python -m benchmarks.contest.bench $(bench_size) $(dry)
	$(BIN)/python -m handbook.summary

bench-quick: peers ## the same on 400,000 events, once, without kills (5 minutes)
	$(BIN)/python -m benchmarks.contest.bench --quick $(bench_size) $(dry)
	$(BIN)/python -m handbook.summary

bench_size = $(call given,EVENTS,events) $(call given,ROUNDS,rounds) $(call given,KILLED_EVENTS,killed-events)

bench-latency: setup ## latency of paced traffic with everything up (SECONDS=600 RATE=10000), minute by minute
	$(BIN)/python -m benchmarks.measurements.latency --rate $(RATE_PACED) --seconds $(SECONDS_PACED) $(dry)

bench-state: setup ## batch time and state bytes against live ids (3 minutes; KEYS=36000000 HOURS=24)
	$(BIN)/python -m benchmarks.measurements.state $(call given,KEYS,keys) $(call given,HOURS,hours) $(dry)

bench-scaling: setup ## the job on a Spark cluster of one worker and of two (5 minutes; EVENTS=2000000); writes docs/scaling.md
	$(BIN)/python -m benchmarks.contest.scaling $(call given,EVENTS,events) $(dry)
	$(if $(DRY),,$(BIN)/python -m benchmarks.measurements.model)

bench-rates: setup ## CPU of an event from 1,000 to 50,000 a second (45 minutes; SECONDS=10); writes docs/scaling.md
	$(BIN)/python -m benchmarks.measurements.rates $(call given,SECONDS,seconds) $(dry)

soak: setup ## what grows with batches and builds, and what a week comes to (an hour; BATCHES=3000 BUILDS=60 MINUTES=)
	$(BIN)/python -m benchmarks.endurance.soak $(call given,BATCHES,batches) $(call given,BUILDS,builds) $(call given,MINUTES,minutes) $(dry)

days_size = $(call given,DAYS,days) $(call given,PAYMENTS,payments) $(call given,STEP,step) $(call given,ROUNDS,rounds) $(call given,FOLDER,folder) $(call given,MINUTES,minutes)

bench-days: setup ## a build beside one kept day and beside 90 (hours; DAYS="1 29 90" PAYMENTS=200000 STEP=2 ROUNDS=3 FOLDER= MINUTES=)
	$(BIN)/python -m benchmarks.one_machine.days $(days_size) $(dry)

bench-scores: setup ## how soon a payment has its fraud score with `make up` at its default (15 minutes; SECONDS=600)
	$(BIN)/python -m benchmarks.one_machine.scores $(call given,SECONDS,seconds) $(dry)

bench-patches: setup ## what each patch of the local warehouse is worth (25 minutes; ROUNDS=1); writes docs/performance.md
	$(BIN)/python -m benchmarks.warehouse.visits $(call given,ROUNDS,rounds) $(dry)

.PHONY: image chart chart-tools
image: setup ## build the image of every part without a Docker engine, and start each part (BASE=NAME@sha256:... WAREHOUSE=1)
	@BASE="$(BASE)" WAREHOUSE="$(WAREHOUSE)" deploy/image/build.sh
	PAYMENTS_TEST_IMAGE=$(or $(IMAGE),localhost/payments:latest) $(BIN)/pytest tests/deploy/test_image.py -q $(PYTEST_OPTIONS)

chart: setup chart-tools ## render deploy/chart for each values file, and hold it against Kubernetes' own API server
	$(BIN)/python -m tests.deploy.rendered
	$(BIN)/pytest tests/deploy -q $(PYTEST_OPTIONS)

chart-tools: ## build helm and Kubernetes' API server by Go, once (more than half an hour), into ~/.cache/payments-tools
	@deploy/tools.sh

simulator-figures: setup ## how fast the simulator fills a topic (2 minutes; EVENTS=500000)
	$(BIN)/python -m benchmarks.measurements.sending $(call given,EVENTS,events) $(dry)

bytes: setup ## what BigQuery would bill for every statement; writes docs/costs.md (RECORD=1 records the statements anew, RECORD=history those about accounts)
	$(if $(filter 1,$(RECORD)),$(BIN)/python -m benchmarks.bytes.recording benchmarks/bytes/recording.json)
	$(if $(RECORD),$(BIN)/python -m benchmarks.history.month)
	$(BIN)/python -m benchmarks.bytes.page $(dry)

scenarios: setup ## run every scenario on one stack, and write what it prints into docs/scenarios.md
	$(BIN)/python -m benchmarks.measurements.scenarios

docs: setup ## make the documents' site in build/docs/site; a broken link fails (LINKS=1 asks the other hosts, too)
	@local_stack/setup.sh docs
	@$(BIN)/python -m handbook.site --generator "$(HOME_DIR)/docs-env/bin/zensical" $(if $(LINKS),--links)

lock: ## take newer versions into requirements/*.txt
	local_stack/setup.sh lock
	benchmarks/peers/setup.sh lock

clean: ## stop everything, then delete all data and all that setup has made
	@if [ -x $(BIN)/payments ]; then $(BIN)/payments down; fi
	rm -rf .venv .bootstrap .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs
	cd "$(HOME_DIR)" 2> /dev/null && rm -rf $(STATE) || true
