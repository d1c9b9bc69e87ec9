# Everything a person or the CI starts. `make help` lists it.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
		awk -F ':.*## ' '{ printf "  %-16s %s\n", $$1, $$2 }'

run: ## Build, set everything up and run the demonstration (Ctrl-C stops it)
	@exec deploy/dev/run $(ARGS)

portal-link: ## Print a link into the running demonstration's portal (ARGS= as for `letterhead portal-link`)
	@deploy/dev/portal-link $(ARGS)

test: ## Set everything up and run every test (ARGS= goes to the runner)
	@exec deploy/dev/test $(ARGS)

bench: ## Measure everything beside its peers (three quarters of an hour, an idle machine; ARGS="delivery flood", --short or table)
	@exec deploy/dev/bench $(ARGS)

bench-api: ## Measure the API alone
	@exec deploy/dev/bench api $(ARGS)

bench-engine: ## Measure SMTP sessions alone
	@exec deploy/dev/bench engine $(ARGS)

soak: ## Kill workers and their database over 50,000 messages, and prove that nothing is lost (ARGS= see --help)
	@exec deploy/dev/soak $(ARGS)

screenshots: ## Write pictures of every page of the portal into docs/screenshots
	@exec deploy/dev/screenshots

stop: ## Stop what `make run` or `make test` left running
	@deploy/dev/stop

clean-state: stop ## Stop, and remove the private databases, keys and tools in .letterhead/
	@for kind in run test bench soak soak-test; do \
		deploy/dev/postgres remove "$$kind" || exit; \
	done; rm -rf .letterhead

fmt: ## Format the sources
	cargo fmt --all
	cargo fmt --manifest-path tests/engine/Cargo.toml

fmt-check: ## Check the format of the sources
	cargo fmt --all -- --check
	cargo fmt --manifest-path tests/engine/Cargo.toml -- --check

lint: ## Run clippy over everything, warnings denied
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --manifest-path tests/engine/Cargo.toml --target-dir "$${CARGO_TARGET_DIR:-target}" -- -D warnings

lint-scripts: ## Run shellcheck and hadolint over deploy/, where they are installed
	@if command -v shellcheck >/dev/null; then \
		shellcheck -x -S warning deploy/dev/lib.sh deploy/dev/{bench,guides,portal-link,postgres,run,screenshots,soak,stop,test} deploy/postgres-init .ci/run; \
	else echo "shellcheck is not installed: scripts not checked"; fi
	@if command -v hadolint >/dev/null; then hadolint deploy/Containerfile; \
	else echo "hadolint is not installed: Containerfile not checked"; fi

guides: ## Render the guides' printed manuals (guides/pdf) from their sources
	@deploy/dev/guides

doc: ## Build the documentation, broken links denied
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

deny: ## Check licences, advisories and who may depend on what (cargo-deny)
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
	else echo "cargo-deny is not installed: licences and advisories not checked"; fi

unused: ## Look for dependencies that nothing uses (cargo-machete)
	@if cargo machete --version >/dev/null 2>&1; then cargo machete; \
	else echo "cargo-machete is not installed: unused dependencies not looked for"; fi

openapi-check: ## Check that the API document in the tests' snapshots is the program's
	@deploy/dev/test -p letterhead openapi

schemathesis: ## Try the running API for five minutes with made-up requests
	@LETTERHEAD_SCHEMATHESIS_SECONDS=300 deploy/dev/test -p letterhead-tests schemathesis

ci: ## Run what the CI runs
	@.ci/run

.PHONY: help run portal-link test screenshots stop clean-state fmt fmt-check lint lint-scripts guides doc deny unused openapi-check schemathesis bench bench-api bench-engine soak ci
