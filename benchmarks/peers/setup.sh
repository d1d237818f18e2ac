#!/usr/bin/env bash
# Makes an environment of its own for each peer, and fetches the peers' jars, below PAYMENTS_HOME/peers.
# Each step is done again only where its inputs have changed, as in local_stack/setup.sh, which must have run before.
# Usage: benchmarks/peers/setup.sh         everything
#        benchmarks/peers/setup.sh lock    write the requirements.txt anew from each requirements.in
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

home=${PAYMENTS_HOME:-.payments}/peers
here=benchmarks/peers
uv=.bootstrap/uv/bin/uv
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

say() { printf 'peers: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The newest Python that each peer has wheels for.
declare -A python_of=([spark]=3.13 [flink]=3.12 [quix]=3.12 [duckdb_loop]=3.13)

runs() { "$1" -c "import sys, sqlite3, ssl; sys.exit('%d.%d' % sys.version_info[:2] != '$2')" >/dev/null 2>&1; }

find_python() { # VERSION
  local python
  for python in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1"*/bin/"python$1" .bootstrap/python/*/bin/"python$1"; do
    if runs "$python" "$1"; then command -v "$python"; return; fi
  done
  return 1
}

make_environment() { # PEER
  local python version=${python_of[$1]}
  python="$(find_python "$version")" || {
    "$uv" python install --quiet --install-dir .bootstrap/python --no-bin "$version" || true
    python="$(find_python "$version")" || die "Python $version is not found and could not be downloaded: install it (for example: pyenv install $version)"
  }
  "$uv" venv --quiet --clear --no-project --python "$python" "$home/$1"
  "$uv" pip sync --quiet --python "$home/$1/bin/python" --require-hashes "$here/$1/requirements.txt"
}

copy_jars() { mvn --quiet --batch-mode -f "$here/pom.xml" -P "$1" "$plugin:copy" "-DoutputDirectory=$2" ${3:+"$3"} >"$home/maven.log" 2>&1; }

make_jars() { # PEER
  local jars
  mkdir -p "$home/$1/jars"
  jars="$(cd "$home/$1/jars" && pwd)"
  copy_jars "$1" "$jars" || copy_jars "$1" "$jars" -U || die "the jars of $1 could not be fetched: $home/maven.log says why"
}

for peer in spark flink quix duckdb_loop; do
  if [ "${1:-}" = lock ]; then
    "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-header --upgrade --python-version "${python_of[$peer]}" \
      "$here/$peer/requirements.in" --output-file "$here/$peer/requirements.txt"
    continue
  fi
  sum="$(cat "$here/$peer/requirements.txt" "$here/pom.xml" "${BASH_SOURCE[0]}" | cksum)"
  stamp="$home/$peer/setup.stamp"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]; then continue; fi
  say "$peer"
  mkdir -p "$home"
  make_environment "$peer"
  if grep -q "<id>$peer</id>" "$here/pom.xml"; then make_jars "$peer"; fi
  printf '%s\n' "$sum" >"$stamp"
done
