"""What the chart comes to, by values file, as it is committed: read by tests where helm is missing.

Usage: python -m tests.deploy.rendered writes them anew. Belongs here: which copies there are and how each is made,
reading them. Does not belong here: what they must hold.
"""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.architecture.sources import ROOT
from tests.built_tools import find

CHART = ROOT / "deploy" / "chart"
RENDERED = ROOT / "deploy" / "rendered"
KUBERNETES = "1.34.0"
NAMESPACE = "payments"
VALUES = {
    "small": (),
    "10k": ("values-10k.yaml",),
    "100k": ("values-100k.yaml",),
    "executors": ("values-100k.yaml", "values-executors.yaml"),
}
"""The values files of each copy, over values.yaml and values-example.yaml."""


def render(helm: Path, name: str) -> str:
    """The chart with the values of that copy, by helm."""
    files = [part for file in ("values-example.yaml", *VALUES[name]) for part in ("--values", str(CHART / file))]
    command = [str(helm), "template", "payments", str(CHART), "--namespace", NAMESPACE, "--kube-version", KUBERNETES]
    return subprocess.run([*command, *files], check=True, capture_output=True, text=True).stdout


def write(helm: Path) -> None:
    """Write every copy anew."""
    for name in VALUES:
        (RENDERED / f"{name}.yaml").write_text(render(helm, name))


@cache
def objects(name: str) -> tuple[dict[str, Any], ...]:
    """The objects of a committed copy."""
    text = (RENDERED / f"{name}.yaml").read_text()
    return tuple(found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found)


def pods(name: str) -> dict[str, dict[str, Any]]:
    """Pod templates by component; that of Spark's executors is one, too."""
    found = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"]["template"]
        for each in objects(name)
        if each["kind"] in ("Deployment", "StatefulSet")
    }
    for each in objects(name):
        if template := each.get("data", {}).get("executor.yaml"):
            found["executor"] = yaml.safe_load(template)
    return found


def containers(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each container with `component/name`."""
    for component, template in pods(name).items():
        for container in template["spec"]["containers"]:
            yield f"{component}/{container['name']}", container


if __name__ == "__main__":
    found = find("helm")
    assert found, "helm is not found: run `make chart-tools`"
    write(found)
