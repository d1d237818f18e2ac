#!/usr/bin/env bash
# Builds what tests on an object store need beside Python's packages, by Go, once (4 minutes): a server of Cloud Storage's
# API. It lies in ~/.cache/payments-tools (XDG_CACHE_HOME), outside of the repository. Where it cannot be had in time, a
# line says so, and the tests skip.
set -euo pipefail

tools=${XDG_CACHE_HOME:-$HOME/.cache}/payments-tools
version=1.56.1
most=1500 # seconds, on a machine that is busy with tests

say() { printf 'cluster-tools: %s\n' "$*" >&2; }

if [ -x "$tools/fake-gcs-server" ] || command -v fake-gcs-server >/dev/null; then exit; fi
command -v go >/dev/null || { say "Go is not found: install it, or put fake-gcs-server $version on PATH"; exit; }
mkdir -p "$tools"
say "fake-gcs-server $version (4 minutes) ..."
GOBIN=$tools timeout "$most" nice -n 15 go install "github.com/fsouza/fake-gcs-server@v$version" 2>/dev/null \
  || say "fake-gcs-server could not be built within $most s: the tests that need it skip"
