# modelaudit: what can be done in a checkout. "make" alone lists it.
# Needs Node 20 with npm, and git; Deno and Bun are fetched where there are none.

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-deno test-bun test-browser test-web test-cluster check check-fmt check-lint check-types \
        check-imports check-rules check-release check-doc fmt rules picture pictures coverage fixtures bench compare fuzz \
        binary binaries web package wheel test-wheel release release-dry-run clean

# Where scripts/setup found Deno; a relative path begins in this folder.
DENO = "$$(cat .cache/deno-path)"
# Nothing is downloaded and no lock file written while working.
OFFLINE = --no-lock --cached-only

BUILD = $(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/build.ts

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## fetch npm packages, Deno and Bun where they are missing
	@scripts/setup bun

demo: ## scan the shipped sample files, one of them harmful, and show the report
	@scripts/demo

test-fast: ## run the quick tests under Deno, for the inner loop
	@scripts/test fast

test: ## run all tests, under Deno and under Bun
	@scripts/test

test-deno: ## run all tests under Deno only
	@scripts/test deno

test-bun: ## run all tests under Bun only
	@scripts/test bun

test-browser: ## run the tests of reports and bundles in Chromium; one skip where there is none
	@scripts/test browser

test-cluster: ## run the recipes on Spark, Ray and GNU parallel, and stores of others; fetches what is missing
	@scripts/test cluster

test-web: ## run the tests of the browser page in Chromium; one skip where there is none
	@scripts/test web

check: check-fmt check-lint check-types check-imports check-rules check-release check-doc ## formatting, lint, types, import rules, generated files, workflows, the module's documentation
	@echo "check: all good"

check-fmt: setup
	@$(DENO) fmt --check

check-lint: setup
	@$(DENO) lint --quiet

check-types: setup
	@$(DENO) check --quiet --no-lock cli.ts mod.ts worker.ts src scripts web

check-imports: setup
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/check_imports.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/check_exports.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/check_words.ts

check-rules: setup
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/embed.ts --check
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-env scripts/embed_html.ts --check
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/embed_schemas.ts --check
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/release/fill.ts --check
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/check_allowlists.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. \
	  scripts/doctor_samples.ts --check
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/threats.ts --check
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/coverage_table.ts --check
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. scripts/loaders_page.ts --check

# Workflows, the action, Dockerfile and shell scripts. Linters that cannot be had are counted as skipped.
check-release: setup
	@scripts/setup lint || echo "check: the linters of workflows could not be fetched"
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/release/lint.ts

# What a user sees of the module is documented, its examples run, and JSR would take it. No network.
check-doc: setup
	@$(DENO) doc --quiet --lint mod.ts
	@$(DENO) test --quiet --doc --no-prompt --no-check $(OFFLINE) --allow-read --reporter=dot mod.ts
	@$(DENO) publish --quiet --dry-run --allow-dirty --no-provenance

fmt: setup ## format the sources
	@$(DENO) fmt --quiet

rules: setup ## write what is derived from rules/, descriptors and release.json: embedded rules, samples, docs, names
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=. scripts/release/fill.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=src \
	  scripts/embed.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=src --allow-env \
	  scripts/embed_html.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=src \
	  scripts/embed_schemas.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=src \
	  scripts/doctor_samples.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=docs \
	  scripts/threats.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=docs \
	  scripts/coverage_table.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-read=. --allow-write=docs \
	  scripts/loaders_page.ts

picture: setup ## draw a real report for the README, docs/report.svg
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/picture.ts

pictures: setup ## photograph the HTML report and the browser page in Chromium, docs/report-html*.png and docs/web-*.png
	@scripts/setup web
	@MODELAUDIT_DIST=.cache/web $(BUILD) web
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/web_pictures.ts
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/html_pictures.ts

coverage: setup ## statement coverage of src/ under Deno
	@scripts/coverage

fixtures: ## make testdata/ again with Python; says which packages are missing
	@$${PYTHON:-python3} scripts/fixtures/make.py

binary: setup ## an executable for this machine in dist/ (RUNTIME=bun: the second road)
	@$(BUILD) binary --runtime "$(RUNTIME)"

binaries: setup ## executables for Linux, macOS and Windows in dist/ (RUNTIME=bun)
	@$(BUILD) binaries --runtime "$(RUNTIME)"

web: setup ## the browser page, in dist/web for a static host and dist/modelaudit.html as one file
	@$(BUILD) web

package: setup ## the npm package in dist/npm
	@$(BUILD) npm

wheel: setup ## the Python package in dist/python (PYTHON: which one builds it)
	@scripts/setup bun
	@$(BUILD) wheel

test-wheel: setup ## the Python package installed by pip and uv, offline, with what it guards (FRAMEWORKS=all)
	@scripts/test-wheel

release-dry-run: setup ## build and check what can be built here of a release, in dist/release; the rest is counted
	@scripts/setup bun
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/release/release.ts

release: setup ## the same for the release workflow: nothing may be missing (TAG=vX.Y.Z)
	@scripts/setup bun
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/release/release.ts --tag "$(TAG)"

bench: setup ## measure time, memory and bytes read (with Python: beside other scanners)
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all scripts/bench/bench.ts $(BENCH)

compare: setup ## scan the samples with this and other scanners, side by side (with Python)
	@$(DENO) run --quiet --no-prompt --no-check $(OFFLINE) --allow-all \
	  scripts/compare/compare.ts $(COMPARE)

fuzz: setup ## scan made-up files for MINUTES=n (SEED=n, FORMAT=name, FAMILY=metamorphic CASES=n); findings go to .cache/fuzz
	@if [ "$${FAMILY:-}" = metamorphic ]; then \
	  scripts/fuzz/fuzz --family metamorphic $${SEED:+--seed "$$SEED"} \
	    $${MINUTES:+--minutes "$$MINUTES"} $${CASES:+--cases "$$CASES"} $${CASE:+--case "$$CASE"}; \
	else \
	  scripts/fuzz/fuzz --minutes "$${MINUTES:-1}" $${SEED:+--seed "$$SEED"} \
	    $${FORMAT:+--format "$$FORMAT"}; \
	fi

clean: ## remove everything that was fetched or made: node_modules, .cache, dist, coverage
	rm -rf node_modules .cache dist coverage
