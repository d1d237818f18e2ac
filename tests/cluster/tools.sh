#!/usr/bin/env bash
# Builds what the tests of the cluster need beside Python's packages, by Go, once (4 minutes): a server of Cloud Storage's
# API. It lies in ~/.cache/payments-tools (XDG_CACHE_HOME), outside of the repository.
set -euo pipefail

tools=${XDG_CACHE_HOME:-$HOME/.cache}/payments-tools
version=1.56.1

say() { printf 'cluster-tools: %s\n' "$*" >&2; }

if [ -x "$tools/fake-gcs-server" ] || command -v fake-gcs-server >/dev/null; then exit; fi
command -v go >/dev/null || { say "Go is not found: install it, or put fake-gcs-server $version on PATH"; exit; }
mkdir -p "$tools"
say "fake-gcs-server $version (4 minutes) ..."
GOBIN=$tools nice -n 15 go install "github.com/fsouza/fake-gcs-server@v$version" || say "it could not be built: the tests say what they skip"
