"""The chart and the processors' lease against a real Kubernetes API server, in a namespace that is restricted."""

import threading
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from spark_jobs.processor.kubernetes_lease import Answer, Lease, LeaseUnreachable, held
from tests.deploy.rendered import NAMESPACE, VALUES, objects, pods
from tests.deploy.tools import ApiServer, api_server, missing, path_of

DRY = "?dryRun=All&fieldValidation=Strict"
LEASE = f"{NAMESPACE}/payments-turn"

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


@pytest.fixture
def lease_path(server: ApiServer) -> Iterator[str]:
    [lease] = [each for each in objects("small") if each["kind"] == "Lease"]
    collection = path_of("Lease", lease["apiVersion"], NAMESPACE)
    assert server.ask("POST", collection, lease)[0] == 201
    path = f"{collection}/{lease['metadata']['name']}"
    yield path
    server.ask("DELETE", path)


def lease_of(server: ApiServer, path: str, holder: str) -> Lease:
    def ask(method: str, body: dict[str, Any] | None) -> Answer:
        return server.ask(method, path, body)

    return Lease(LEASE, holder, ask)


def test_of_many_processors_one_at_a_time_holds_the_lease(server: ApiServer, lease_path: str) -> None:
    holding, most, order = 0, 0, list[str]()
    counting = threading.Lock()

    def work(holder: str) -> None:
        nonlocal holding, most
        with held(lease_of(server, lease_path, holder), lambda: None):
            with counting:
                holding, order[:] = holding + 1, [*order, holder]
                most = max(most, holding)
            with counting:
                holding -= 1

    threads = [threading.Thread(target=work, args=(f"processor-{number}",), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert most == 1
    assert sorted(order) == [f"processor-{number}" for number in range(4)]
    _, lease = server.ask("GET", lease_path)
    assert lease["spec"]["holderIdentity"] == ""
    assert lease["spec"]["leaseTransitions"] >= len(order)


def test_a_lease_that_is_missing_is_one_clear_line(server: ApiServer) -> None:
    path = f"{path_of('Lease', 'coordination.k8s.io/v1', NAMESPACE)}/none"
    with pytest.raises(LeaseUnreachable, match=r"cannot be used \(404: leases.* not found\): it must be there"):
        lease_of(server, path, "processor-0").take()
