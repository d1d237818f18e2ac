#!/usr/bin/env bash
# Builds the image without a Docker engine, by Debian's buildah, and says how large it is.
# Usage: deploy/image/build.sh     BASE=NAME@sha256:DIGEST: the Debian 13 to build on; without it one is made by mmdebstrap,
#                                  once, from the mirror that MIRROR names (default: the one that apt uses here)
#                                  IMAGE=NAME:TAG, default localhost/payments:latest
#                                  WAREHOUSE=1 builds the local warehouse's image, too, for the compose file
#                                  DATAPROC=1 builds the container of a batch of Dataproc Serverless, too; its Python comes from
#                                  GitHub, or from UV_PYTHON_INSTALL_MIRROR
# Mirrors, proxies and certificate authorities are those of this machine: pip's configuration and SSL_CERT_FILE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

image=${IMAGE:-localhost/payments:latest}
limit=700
context=build/image
python=.venv/bin/python
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
home=${PAYMENTS_HOME:-.payments}
authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

say() { printf 'image: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

for tool in buildah podman runc; do
  command -v "$tool" >/dev/null || die "$tool is not found: install it (Debian: apt-get install --no-install-recommends buildah podman runc mmdebstrap)"
done

find_base() {
  if [ -n "${BASE:-}" ]; then
    [[ "$BASE" == *@sha256:* ]] || die "BASE=$BASE names no digest: give NAME@sha256:DIGEST"
    return
  fi
  BASE=localhost/payments-base:trixie
  if ! buildah inspect --type image "$BASE" >/dev/null 2>&1; then
    command -v mmdebstrap >/dev/null || die "mmdebstrap is not found: install it, or give BASE=NAME@sha256:DIGEST"
    say "the base, by mmdebstrap ..."
    local mirror=${MIRROR:-}
    [ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(SITE)' | grep -E '/debian/?$' | head -n 1)
    mkdir -p "$context"
    mmdebstrap --quiet --variant=minbase --include=ca-certificates --mode=root trixie "$context/base.tar" \
      "deb $mirror trixie main" "deb $mirror trixie-updates main" "deb ${mirror%/}-security trixie-security main"
    podman import --quiet "$context/base.tar" "$BASE" >/dev/null
    rm "$context/base.tar"
  fi
}

# The context: what git holds of the product, the jars as they are locked, and nothing else.
make_context() {
  rm -rf "$context"
  mkdir -p "$context/app" "$context/jars" "$context/image"
  git ls-files -z -- orchestration spark_jobs simulator local_stack dbt_project docs/runbooks 'docs/*.md' | xargs -0 cp --parents -t "$context/app"
  "$python" -m local_stack.jars check "$home/jars"
  cp -r "$home/jars/spark" "$home/jars/spark-4.0" "$home/jars/delta" "$home/jars/google" "$home/jars/gcs" "$context/jars"
  mkdir "$context/requirements"
  cp requirements/image.txt requirements/warehouse.txt requirements/bootstrap.txt "$context/requirements"
  # Dataproc mounts its Spark.
  awk '/^[a-z]/ { ours = !/^pyspark==/ } ours' requirements/oldest.txt >"$context/requirements/dataproc.txt"
  awk '/^[a-z]/ { ours = /^setuptools==/ } ours' requirements/image.txt >"$context/requirements/setuptools.txt"
  cp deploy/image/prune.py deploy/image/spark_submit.py "$context/image"
  find "$context" -exec touch --no-dereference --date @0 {} +
}

build() { # TARGET TAG
  local pip=()
  [ ! -f /etc/pip.conf ] || pip=(--volume /etc/pip.conf:/etc/pip.conf:ro)
  buildah bud --quiet --layers --isolation chroot --network host --volume "$authorities:/etc/ssl/certs/ca-certificates.crt:ro" "${pip[@]}" \
    --timestamp 0 --build-arg UV_PYTHON_INSTALL_MIRROR --build-arg "BASE=$BASE" --target "$1" --tag "$2" --file deploy/image/Containerfile "$context" >/dev/null
}

# The bill of materials: Python's packages from the lock, jars from theirs and pyspark's, Debian's from the system's own list.
write_sbom() {
  local container mount
  build trimmed localhost/payments-system:latest
  container=$(buildah from localhost/payments-system:latest)
  mount=$(buildah mount "$container")
  local_stack/setup.sh docs
  "$home/docs-env/bin/cyclonedx-py" requirements requirements/image.txt --output-format JSON --output-file build/python.json 2>/dev/null
  "$python" deploy/image/sbom.py build/python.json local_stack/jars.txt "$site/pyspark/jars" "$mount/var/lib/dpkg/status" >"$context/image/sbom.json"
  buildah umount "$container" >/dev/null
  buildah rm "$container" >/dev/null
  touch --date @0 "$context/image/sbom.json"
}

.venv/bin/hadolint deploy/image/Containerfile
find_base
make_context
say "$image ..."
write_sbom
build payments "$image"
[ -z "${DATAPROC:-}" ] || build dataproc "${DATAPROC_IMAGE:-localhost/payments-dataproc:latest}"
[ -z "${WAREHOUSE:-}" ] || build warehouse "${WAREHOUSE_IMAGE:-localhost/payments-warehouse:latest}"
# As a registry keeps it and a node fetches it: compressed.
rm -f build/payments.tar
buildah push --quiet "$image" oci-archive:build/payments.tar >/dev/null
packed=$(($(stat --format %s build/payments.tar) / 1000000))
rm build/payments.tar
unpacked=$(($(podman image inspect --format '{{.Size}}' "$image") / 1000000))
say "$image is $packed MB in a registry, of $limit MB that it may have, and $unpacked MB unpacked ($SECONDS s)"
[ "$packed" -le "$limit" ] || die "the image is larger than $limit MB"
