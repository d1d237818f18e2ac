#!/usr/bin/env bash
# Makes what the platform runs on: uv, Python 3.13, .venv, the warehouse's environment, the jars, an archive of classes, dbt's manifest.
# Each step leaves a stamp with the checksum of its inputs, and is done again only where these have changed.
# Usage: local_stack/setup.sh         everything
#        local_stack/setup.sh lock    write requirements/*.txt anew from requirements/*.in
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

home=${PAYMENTS_HOME:-.payments}
uv=.bootstrap/uv/bin/uv
# As pip and Maven do; by itself uv trusts only a list of its own.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# step STAMP COMMAND INPUT...: run COMMAND unless STAMP holds the checksum of the inputs.
step() {
  local stamp=$1 command=$2 sum
  shift 2
  sum="$(cat "$@" "${BASH_SOURCE[0]}" | cksum)"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]; then return; fi
  "$command"
  mkdir -p "$(dirname "$stamp")"
  printf '%s\n' "$sum" >"$stamp"
}

# A name on PATH proves nothing: pyenv puts shims there which fail for versions that are not selected.
runs() { "$1" -c "import sys; sys.exit(0 if ($2) else 1)" >/dev/null 2>&1; }

install_uv() {
  local python
  for python in python3.13 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
    if runs "$python" 'sys.version_info >= (3, 9) and __import__("pip")'; then
      say "uv, by $python"
      rm -rf .bootstrap/uv
      # --target asks for neither the venv module nor leave to write into the system's own packages.
      PIP_USER=0 PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --target .bootstrap/uv -r requirements/bootstrap.txt
      return
    fi
  done
  die "no Python with pip is found: install Python 3.9 or newer with pip (Debian: apt-get install python3-pip)"
}

is_python_313() { runs "$1" 'sys.version_info[:2] == (3, 13) and __import__("sqlite3") and __import__("ssl")'; }

find_python_313() {
  local python
  for python in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13 .bootstrap/python/*/bin/python3.13; do
    if is_python_313 "$python"; then command -v "$python"; return; fi
  done
  return 1
}

make_environment() { # FOLDER REQUIREMENTS
  local python
  python="$(find_python_313)" || {
    say "Python 3.13, by uv"
    "$uv" python install --quiet --install-dir .bootstrap/python --no-bin 3.13 || true
    python="$(find_python_313)" || die "Python 3.13 is not found and could not be downloaded: install it (for example: pyenv install 3.13)"
  }
  is_python_313 "$1/bin/python" || "$uv" venv --quiet --clear --no-project --python "$python" "$1"
  "$uv" pip sync --quiet --python "$1/bin/python" --require-hashes --compile-bytecode "$2"
}

make_venv() {
  say ".venv"
  make_environment .venv requirements/dev.txt
  "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-index --no-build-isolation --editable .
}

make_warehouse() {
  say "the warehouse's environment"
  mkdir -p "$home"
  make_environment "$home/warehouse-env" requirements/warehouse.txt
}

need_java_and_maven() {
  local java="${JAVA_HOME:+$JAVA_HOME/bin/}java" version
  version="$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)" || true
  [ "${version:-0}" -ge 17 ] || die "Java 17 or newer is not found: install a JDK (Debian: apt-get install openjdk-17-jdk-headless) or set JAVA_HOME"
  mvn -v >/dev/null 2>&1 || die "Maven is not found: install it (Debian: apt-get install maven)"
}

fetch_jars() { # PROFILE GOAL
  local jars="$home/jars/$1" fresh
  say "jars of $1"
  mkdir -p "$home/jars"
  fresh="$(cd "$home/jars" && pwd)/$1.new"
  rm -rf "$fresh"
  copy_jars "$1" "$2" "$fresh" || copy_jars "$1" "$2" "$fresh" -U || die "the jars of $1 could not be fetched: $home/jars/maven.log says why"
  rm -rf "$jars"
  mv "$fresh" "$jars"
}

# Maven remembers a failed look-up, so the second try asks again with -U.
copy_jars() { mvn --quiet --batch-mode --log-file "$home/jars/maven.log" -f local_stack/pom.xml -P "$1" "$dependency_plugin:$2" "-DoutputDirectory=$3" -DincludeScope=runtime ${4:+"$4"} >/dev/null 2>&1; }

make_jars() {
  need_java_and_maven
  fetch_jars broker copy-dependencies
  fetch_jars spark copy
  fetch_jars delta copy
}

make_archive() {
  say "an archive of the classes that a Spark session loads"
  .venv/bin/python -m spark_jobs.driver.class_archive >"$home/jars/archive.log" 2>&1 || say "none could be made, and sessions will start slower: $home/jars/archive.log says why"
}

make_manifest() {
  say "dbt's manifest"
  .venv/bin/dbt --quiet parse --project-dir dbt_project --profiles-dir dbt_project
}

lock_one() { # NAME [OPTION...]
  local name=$1
  shift
  "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-header "$@" "requirements/$name.in" --output-file "requirements/$name.txt"
}

step .bootstrap/uv.stamp install_uv requirements/bootstrap.txt
if [ "${1:-}" = lock ]; then
  lock_one bootstrap --universal --python-version 3.9 --upgrade
  lock_one platform --python-version 3.13 --upgrade
  lock_one dev --python-version 3.13 --constraint requirements/platform.txt --upgrade
  lock_one warehouse --python-version 3.13 --override requirements/warehouse-overrides.txt --upgrade
  exit
fi
step .venv/setup.stamp make_venv requirements/dev.txt pyproject.toml
step "$home/warehouse-env/setup.stamp" make_warehouse requirements/warehouse.txt
step "$home/jars/setup.stamp" make_jars local_stack/pom.xml
step "$home/jars/archive.stamp" make_archive requirements/dev.txt local_stack/pom.xml spark_jobs/driver/class_archive.py
if [ -f dbt_project/dbt_project.yml ]; then
  dbt_files=()
  while IFS= read -r file; do dbt_files+=("$file"); done < <(find dbt_project -type f ! -path 'dbt_project/target/*' ! -path 'dbt_project/logs/*' ! -name '.user.yml' | sort)
  step dbt_project/target/setup.stamp make_manifest "${dbt_files[@]}"
fi
