"""The chart against a real Kubernetes API server, in a namespace that is restricted."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.deploy.rendered import NAMESPACE, VALUES, objects, pods
from tests.deploy.tools import ApiServer, api_server, missing, path_of

DRY = "?dryRun=All&fieldValidation=Strict"

pytestmark = [pytest.mark.thorough]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    if reason := missing():
        pytest.skip(reason)
    with api_server(tmp_path_factory.mktemp("kubernetes")) as started:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
        assert started.ask("POST", "/api/v1/namespaces", namespace)[0] == 201
        yield started


def dry_run(server: ApiServer, each: dict[str, Any]) -> tuple[int, str]:
    status, answer = server.ask("POST", path_of(each["kind"], each["apiVersion"], NAMESPACE) + DRY, each)
    return status, answer.get("message", "")


def pod_of(template: dict[str, Any], name: str) -> dict[str, Any]:
    """A pod of the template, which the server judges by the profile; of a controller it only warns."""
    metadata = {"name": name, "labels": template.get("metadata", {}).get("labels", {})}
    spec = deepcopy(template["spec"])
    for container in spec["containers"]:
        container.setdefault("image", "registry.example.com/payments")
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_server_takes_every_object(server: ApiServer, name: str) -> None:
    answers = {f"{each['kind']} {each['metadata']['name']}": dry_run(server, each) for each in objects(name)}
    assert {label: answer for label, answer in answers.items() if answer[0] != 201} == {}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_server_takes_every_pod_in_a_restricted_namespace(server: ApiServer, name: str) -> None:
    answers = {part: dry_run(server, pod_of(template, part)) for part, template in pods(name).items()}
    assert {part: answer for part, answer in answers.items() if answer[0] != 201} == {}


def test_the_server_refuses_what_breaks_the_profile_and_what_it_does_not_know(server: ApiServer) -> None:
    pod = pod_of(pods("small")["daemon"], "daemon")
    root = deepcopy(pod)
    root["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    status, message = dry_run(server, root)
    assert (status, "violates PodSecurity" in message) == (403, True), message
    unknown = deepcopy(pod)
    unknown["spec"]["containers"][0]["image_pull_policy"] = "Always"
    status, message = dry_run(server, unknown)
    assert (status, "unknown field" in message) == (400, True), message
    unbounded = deepcopy(pod)
    unbounded["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1Mi"
    assert dry_run(server, unbounded)[0] == 422
