#!/usr/bin/env bash
# Builds what the tests of the chart need beside Python's packages, by Go, once: helm, and Kubernetes' API server.
# They lie in ~/.cache/payments-tools (XDG_CACHE_HOME), outside of the repository. etcd is the system's own.
set -euo pipefail

tools=${XDG_CACHE_HOME:-$HOME/.cache}/payments-tools
kubernetes=1.34.4
helm=3.19.0

say() { printf 'chart-tools: %s\n' "$*" >&2; }

command -v etcd >/dev/null || say "etcd is not found, without which no API server starts: install it (Debian: apt-get install etcd-server)"
if [ -x "$tools/helm" ] && [ -x "$tools/kube-apiserver" ]; then exit; fi
command -v go >/dev/null || { say "Go is not found: install it, or put helm and kube-apiserver $kubernetes on PATH"; exit 1; }
mkdir -p "$tools"

if [ ! -x "$tools/helm" ]; then
  say "helm $helm ..."
  GOBIN=$tools nice -n 15 go install "helm.sh/helm/v3/cmd/helm@v$helm"
fi

if [ ! -x "$tools/kube-apiserver" ]; then
  say "kube-apiserver $kubernetes (more than half an hour) ..."
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  manifest=$(go mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  # Its own module names its parts by folders beside it, which nobody else has: they are modules of version 0.
  {
    printf 'module tools\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$kubernetes"
    sed -n 's|^[[:space:]]*\(k8s.io/[a-z0-9-]*\) => ./staging.*|\t\1 => \1 v0.'"${kubernetes#1.}"'|p' "$manifest"
    printf ')\n'
  } >go.mod
  printf 'package tools\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver/app"\n' >tools.go
  go mod tidy -e 2>/dev/null
  version=k8s.io/component-base/version
  nice -n 15 go build -mod=mod -o "$tools/kube-apiserver" -ldflags \
    "-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=34" k8s.io/kubernetes/cmd/kube-apiserver
fi
