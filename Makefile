# Plain `make` prints the targets below with their comments.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
OUT ?= mart
MAPPING ?=
LAYOUT ?=
TIMEZONE ?=
REPLACE ?=
VERBOSE ?=
CONTACTS ?=
AS_OF ?=
FIT ?=
NOTIFY ?=
PART ?=
SHARE ?= 1
FOLDS ?= 8
SHARDS ?=
CUSTOMERS ?= 20000
SEED ?= 42
SIZES ?= s m l
DAYS ?= 2010-08-01 2010-09-01 2010-10-01 2010-11-01

export DBT_PROJECT_DIR := $(CURDIR)/dbt_project
export DBT_PROFILES_DIR := $(CURDIR)/dbt_project
export DO_NOT_TRACK := 1
ifneq ($(WAREHOUSE_PATH),)
export WAREHOUSE_PATH
endif

READY := $(VENV)/ready
# Spark is asked for only where there is a Java to run it
SPARK := $(if $(shell command -v java),$(VENV)/spark)
PEERS := benchmarks/work/peers
UV ?= uv
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11
EXAMPLES := benchmarks/work/dagster benchmarks/work/airflow
DBT := $(BIN)/dbt
DBT_VARS := $(if $(AS_OF),--vars '{as_of: "$(AS_OF)"}')

.DEFAULT_GOAL := help
.PHONY: help setup spark examples picture run nightly test test-long build fit backtest score catalog export export-tables docs docs-site docs-reference api app profile truth lock lint format clean
.PHONY: bench-skill bench-scoring bench-serving bench-generate bench-faults bench-features bench-ladder bench-workers bench-level bench-newcomers bench-horizons bench-scorecard bench-campaigns bench-alarms bench-erase soak leak-demo prove audit

help: ## print this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 16

setup: $(READY) ## make the virtual environment from the locked versions

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) (once, about two minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

$(VENV)/spark: $(READY) requirements-spark.lock
	@echo "Adding Spark to $(VENV) (once, half a minute and 460 MB)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--no-build-isolation -r requirements-spark.lock
	@touch $@

# an environment of their own: not all of them take the versions that the project has
$(PEERS)/ready: benchmarks/peers/requirements.lock
	@echo "Setting up $(PEERS) (once, about two minutes and 1.1 GB)"
	@rm -rf $(PEERS)
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r benchmarks/peers/requirements.lock
	@touch $@

# likewise: Dagster and Streamlit ask for two versions of watchdog, Airflow for older ones of others
benchmarks/work/%/ready: examples/%/requirements.lock
	@echo "Setting up benchmarks/work/$* (once, one or two minutes)"
	@rm -rf benchmarks/work/$*
	@$(PYTHON) -m venv benchmarks/work/$*
	@benchmarks/work/$*/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r $<
	@touch $@

examples: $(addsuffix /ready,$(EXAMPLES)) ## environments for examples/: Dagster and Airflow

profile: $(READY) ## write reports/profile.html, a first look at the data; takes DATA and MAPPING
	@$(BIN)/shop profile $(if $(DATA),--data "$(DATA)") \
		$(if $(MAPPING),--mapping "$(MAPPING)")

truth: $(READY) ## add the best forecast of the generated shop at AS_OF=2024-05-03
	@$(BIN)/shop truth $(AS_OF)

run: $(READY) ## the main job; DATA=path (MAPPING=file, TIMEZONE=zone, REPLACE=1) for your own files, AS_OF=day as if today, VERBOSE=1 for all tables
	@$(BIN)/shop run --customers $(CUSTOMERS) --seed $(SEED) \
		$(if $(DATA),--data "$(DATA)") $(if $(MAPPING),--mapping "$(MAPPING)") \
		$(if $(LAYOUT),--layout $(LAYOUT)) $(if $(TIMEZONE),--timezone $(TIMEZONE)) \
		$(if $(AS_OF),--as-of $(AS_OF)) $(if $(REPLACE),--replace) $(if $(VERBOSE),--verbose)

nightly: $(READY) ## a night, unattended: what is new in DATA=folder is loaded, built, scored, published; takes MAPPING, AS_OF, FIT=weekly, NOTIFY=url
	@$(BIN)/shop nightly $(if $(DATA),--data "$(DATA)") $(if $(MAPPING),--mapping "$(MAPPING)") \
		$(if $(TIMEZONE),--timezone $(TIMEZONE)) $(if $(AS_OF),--as-of $(AS_OF)) \
		$(if $(FIT),--fit $(FIT)) $(if $(NOTIFY),--notify "$(NOTIFY)")

test: $(READY) ## run the tests that a change should pass before it is shown
	@$(BIN)/pytest -m "not long"

test-long: $(READY) $(SPARK) examples ## run the tests that take minutes each: proofs, whole builds, kills
	@$(BIN)/pytest -m long

spark: $(VENV)/spark ## add Spark to the virtual environment, for shards on many machines; it needs a Java

build: $(READY) ## dbt build: models and their tests; takes AS_OF; SHARDS=8 bounds memory
ifneq ($(SHARDS),)
	@$(BIN)/shop shards --shards $(SHARDS) $(if $(AS_OF),--vars '{"as_of": "$(AS_OF)"}')
else
	@cd dbt_project && ../$(DBT) build $(DBT_VARS)
endif

fit: $(READY) ## learn from the feature mart
	@$(BIN)/shop fit

backtest: $(READY) ## forecast as of eight past dates, each from its own past; FOLDS=12 for more, takes AS_OF
	@$(BIN)/shop backtest --folds $(FOLDS) $(if $(AS_OF),--as-of $(AS_OF))

score: $(READY) ## write `predictions` and the reasons for them, test them, build the marts on them
	@$(BIN)/shop score
	@$(BIN)/shop explain
	@cd dbt_project && ../$(DBT) build --select source:scoring+ $(DBT_VARS)

catalog: $(READY) ## bring marts.feature_catalog up to date after a build or fit of your own; takes AS_OF
	@$(BIN)/shop catalog $(if $(AS_OF),--as-of $(AS_OF))

export: $(READY) ## write the feature mart as Parquet, a folder for each as-of date; OUT=folder
	@$(BIN)/shop export --out "$(OUT)"

export-tables: OUT = tables
export-tables: $(READY) ## write schemas main and marts as Parquet, which older versions of DuckDB read too; OUT=folder
	@$(BIN)/shop export-tables --out "$(OUT)"

picture: ## the README's picture: reports/report.html as docs/images/report.png, by chromium
	@chromium --headless --no-sandbox --disable-gpu --disable-background-networking --hide-scrollbars \
		--user-data-dir=$$(mktemp -d) --window-size=1180,620 \
		--screenshot=docs/images/report.png file://$(CURDIR)/reports/report.html

docs: $(READY) ## write dbt's site, tables and lineage, to dbt_project/target/static_index.html
	@cd dbt_project && ../$(DBT) docs generate --static $(DBT_VARS)

docs-site: $(READY) ## write the pages of docs/ as a site that can be searched to site/index.html
	@$(BIN)/mkdocs build --strict

docs-reference: $(READY) ## write the pages of docs/reference/ that are made from code and yml
	@$(BIN)/python -m operate.reference

api: $(READY) ## serve the model on http://127.0.0.1:8000
	@$(BIN)/shop api

app: $(READY) ## open the app on http://127.0.0.1:8501 (it calls the API); CONTACTS=1 shows names
	@$(BIN)/shop app $(if $(CONTACTS),--with-contacts)

bench-skill: $(READY) ## the README's skill table; DATA=file DAYS="2010-08-01 2010-09-01"
	@$(BIN)/python -m benchmarks.skill "$(DATA)" $(DAYS)

bench-scoring: $(READY) ## time and memory of a million forecasts with the warehouse's champion
	@$(BIN)/python -m benchmarks.scoring

bench-serving: $(READY) ## requests a second of one worker of the API, beside a bare route; needs hey (apt-get install hey)
	@$(BIN)/python -m benchmarks.serving

bench-generate: $(READY) ## time and memory of generating and loading; SIZES="s m l"
	@$(BIN)/python -m benchmarks.generating $(addprefix --size ,$(SIZES))

bench-faults: $(READY) ## how planted faults fare: recall of each rule, false alarms, money
	@$(BIN)/python -m benchmarks.faults

bench-ladder: SIZES = m
bench-ladder: $(READY) ## where the seconds of a full build go, from plain SQL to the mart; SIZES=m
	@$(BIN)/python -m benchmarks.ladder --size $(lastword $(SIZES))

bench-workers: SIZES = m
bench-workers: $(READY) $(SPARK) ## what a second worker of Spark brings; needs Java, SIZES=m
	@$(BIN)/python -m benchmarks.spark_workers --size $(lastword $(SIZES))

bench-features: SIZES = s m
bench-features: $(READY) $(PEERS)/ready ## the mart beside its bare kernel and its peers; SIZES="s m l"
	@$(BIN)/python -m benchmarks.features $(addprefix --size ,$(SIZES))

bench-level: $(READY) ## are sums right? forecasts of 16 kinds of shops with a known truth, in 15 minutes or more
	@$(BIN)/python -m benchmarks.level

bench-newcomers: $(READY) ## is what newcomers will spend right, and its interval honest? the same shops, in 5 minutes
	@$(BIN)/python -m benchmarks.level.newcomers

bench-horizons: $(READY) ## forecasts of 30 to 365 days beside the best possible ones, on three generated shops
	@$(BIN)/python -m benchmarks.horizons

bench-scorecard: $(READY) ## does a forecast know how good it is? two shops played night by night for 14 months, in half an hour or more
	@$(BIN)/python -m benchmarks.scorecard

bench-campaigns: $(READY) ## is what is said of campaigns true? thousands whose effects are known, on three generated shops
	@$(BIN)/python -m benchmarks.campaigns

bench-alarms: $(READY) ## what alarms find of planted incidents, and false alarms; DATA=file for a real one
	@$(BIN)/python -m benchmarks.alarms $(if $(DATA),--data "$(DATA)")
	@$(BIN)/python -m benchmarks.alarm_nights

soak: $(READY) ## fifty nights beside readers who never wait, ten of them killed; in an hour
	@$(BIN)/python -m benchmarks.soak

bench-erase: $(READY) ## 50 random customers erased: is all of them gone, and all else as if they had never been?
	@$(BIN)/python -m benchmarks.erasing

leak-demo: $(READY) ## four classic mistakes beside an honest fit and the exact optimum
	@$(BIN)/python -m benchmarks.leak_demo

prove: $(READY) ## prove the mart right, in half an hour or more; PART=futures for one part, SHARE=.1 for less
	@$(BIN)/python -m proof.prove --share $(SHARE) $(addprefix --part ,$(PART))

audit: $(READY) ## does a feature of your own know the future? tries other futures on a copy
	@$(BIN)/python -m proof.audit

lock: ## bring all lock files in line with pyproject.toml; needs uv, UV=path
	@$(COMPILE) pyproject.toml --extra dev -o requirements.lock
	@$(COMPILE) pyproject.toml --extra all --no-annotate -c requirements.lock -o deploy/requirements.lock
	@$(COMPILE) pyproject.toml --extra serve --no-annotate -c deploy/requirements.lock -o deploy/requirements-serve.lock
	@mkdir -p benchmarks/work
	@sed -nE '/^(streamlit|watchdog)==/d; s/^([a-z0-9-]+==[^\\]*).*/\1/p' requirements.lock > benchmarks/work/pins
	@$(COMPILE) pyproject.toml --extra all examples/dagster/requirements.in --no-annotate -c benchmarks/work/pins \
		--override examples/dagster/overrides.txt -o examples/dagster/requirements.lock
	@$(COMPILE) examples/airflow/requirements.in --no-annotate -o examples/airflow/requirements.lock

lint: $(READY) ## check the style of Python and SQL, and the types of Python
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_project/models dbt_project/tests

format: $(READY) ## mend what the linters can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove what was built; the warehouse, models and reports too
	@rm -rf warehouse.duckdb warehouse.duckdb.wal generations .warehouse.duckdb.lock shards-of-the-mart models reports dbt_project/target dbt_project/logs logs site
	@rm -rf .pytest_cache .ruff_cache .mypy_cache
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
