"""What the chart comes to, held against Kubernetes' schemas, the restricted profile and our own settings."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from orchestration.automation.outside import is_outside
from orchestration.platform.parts import PARTS
from orchestration.settings import read_stack_settings
from spark_jobs.driver.spark_session import conf_of
from tests.architecture.test_schema_drift import exemplified
from tests.deploy.rendered import RENDERED, VALUES, containers, objects, pods

NAMES = sorted(VALUES)
NOT_OURS = {"DAGSTER_HOME", "DAGSTER_POSTGRES_PASSWORD"}
"""Variables of Dagster's own configuration; the proxy's begin with OAUTH2_PROXY_."""
RESTRICTED_VOLUMES = {"configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim", "csi", "downwardAPI"}


def settings_of(name: str) -> dict[str, str]:
    """The settings that every part has."""
    [found] = [each for each in objects(name) if each["metadata"]["name"] == "payments-settings"]
    data: dict[str, str] = found["data"]
    return data


def policies(name: str) -> dict[str, dict[str, Any]]:
    """Network policies by name."""
    return {each["metadata"]["name"]: each["spec"] for each in objects(name) if each["kind"] == "NetworkPolicy"}


def test_there_is_a_copy_for_each_set_of_values_and_no_other() -> None:
    assert sorted(path.stem for path in RENDERED.glob("*.yaml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_object_fits_the_schema_of_its_kind_without_unknown_fields(name: str) -> None:
    for each in objects(name):
        kubernetes_validate.validate(each, "1.34", strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    [processor] = [each for each in objects("small") if each["kind"] == "StatefulSet"]
    wrong = {**processor, "spec": {**processor["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.34", strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_pod_keeps_the_restricted_profile_and_a_root_that_nobody_writes_to(name: str) -> None:
    for component, template in pods(name).items():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, component
        assert spec["securityContext"]["runAsUser"] > 0, component
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), component
        for volume in spec["volumes"]:
            assert volume.keys() - {"name"} <= RESTRICTED_VOLUMES, component
    for label, container in containers(name):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, label
        assert security["readOnlyRootFilesystem"] is True, label
        assert security["runAsNonRoot"] is True, label
        assert security["capabilities"] == {"drop": ["ALL"]}, label
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, label


@pytest.mark.parametrize("name", NAMES)
def test_every_container_has_bounds_probes_and_an_image_by_digest(name: str) -> None:
    for label, container in containers(name):
        if label == "executor/executor":  # Spark sets its image and its bounds, and knows by itself whether it lives.
            continue
        assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", container["image"]), label
        for bound in ("requests", "limits"):
            assert container["resources"][bound].keys() == {"cpu", "memory", "ephemeral-storage"}, label
        assert {"livenessProbe", "readinessProbe"} <= container.keys(), label
    for component, template in pods(name).items():
        for volume in template["spec"]["volumes"]:
            if "emptyDir" in volume and component != "executor":
                assert volume["emptyDir"]["sizeLimit"], component


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_a_setting_that_is_read(name: str) -> None:
    known = exemplified().keys() | NOT_OURS
    assert settings_of(name).keys() <= known
    for label, container in containers(name):
        given = {variable["name"] for variable in container.get("env") or []}
        assert {each for each in given if not each.startswith("OAUTH2_PROXY_")} <= known, label


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_are_valid_and_those_of_bigquery_itself(name: str) -> None:
    settings = read_stack_settings(settings_of(name))
    assert (settings.dbt_target, settings.job.emulator_host) == ("production", None)
    assert is_outside(settings_of(name))
    assert settings.job.turn == "lease", "the processors are on several machines"


@pytest.mark.parametrize("name", NAMES)
def test_every_secret_is_a_reference_to_one_that_is_kept_elsewhere(name: str) -> None:
    assert not [each for each in objects(name) if each["kind"] == "Secret"]
    for label, container in containers(name):
        for variable in container.get("env") or []:
            if re.search("PASSWORD|SECRET|TOKEN|CLIENT_ID", variable["name"]):
                assert variable["valueFrom"]["secretKeyRef"].keys() == {"name", "key"}, label
                assert "value" not in variable, label
    assert not [key for key in settings_of(name) if re.search("PASSWORD|SECRET|TOKEN", key)]


@pytest.mark.parametrize("name", NAMES)
def test_only_a_processor_that_makes_executors_may_ask_kubernetes_for_anything(name: str) -> None:
    mounted = {part for part, template in pods(name).items() if template["spec"]["automountServiceAccountToken"]}
    roles = [each for each in objects(name) if each["kind"] == "Role"]
    if name == "executors":
        [role] = roles
        assert mounted == {"processor"}
        assert sorted(rule["resources"] for rule in role["rules"]) == [["configmaps"], ["pods"]]
    else:
        assert (mounted, roles) == (set(), [])
        assert not [each for each in objects(name) if each["kind"] == "RoleBinding"]
    assert not [each for each in objects(name) if each["kind"] == "Lease" or each["kind"].startswith("ClusterRole")]


@pytest.mark.parametrize("name", NAMES)
def test_selectors_find_the_pods_that_they_mean(name: str) -> None:
    labels = [template["metadata"]["labels"] for part, template in pods(name).items() if part != "executor"]
    for each in objects(name):
        if each["kind"] in ("Service", "PodDisruptionBudget", "Deployment", "StatefulSet"):
            selector = each["spec"]["selector"]
            wanted = selector.get("matchLabels", selector)
            assert sum(wanted.items() <= found.items() for found in labels) == 1, each["metadata"]["name"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_gets_in_or_out_but_what_is_allowed(name: str) -> None:
    every = policies(name)
    assert every["payments-nothing"]["podSelector"]["matchLabels"].keys() == {
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
    }
    assert not every["payments-nothing"].keys() & {"ingress", "egress"}
    for part, spec in every.items():
        assert {"Egress"} <= set(spec["policyTypes"]), part
        for direction, ends in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, []):
                assert rule[ends], f"{part}: nobody named would be everybody"
                assert rule["ports"], f"{part}: no port named would be every port"
    to_the_api_server = any("10.1.2.1/32" in str(rule["to"]) for rule in every["payments-processor"]["egress"])
    assert to_the_api_server == (name == "executors")
    ingress = {part: spec["ingress"] for part, spec in every.items() if spec.get("ingress")}
    among_spark = {"payments-processor", "payments-executor"} if name == "executors" else set()
    assert ingress.keys() == {"payments-webserver", "payments-dashboard", "payments-code-location"} | among_spark
    assert {port["port"] for rule in ingress["payments-webserver"] for port in rule["ports"]} == {4180}
    into_the_dashboard = {
        str(rule["from"]): [port["port"] for port in rule["ports"]] for rule in ingress["payments-dashboard"]
    }
    assert sorted(into_the_dashboard.values()) == [[4180], [9464]], "the page by the proxy, the metrics by Prometheus"
    assert [whom for whom, ports in into_the_dashboard.items() if ports == [9464] and "monitoring" in whom]


@pytest.mark.parametrize("name", NAMES)
def test_no_pod_has_variables_of_services_which_are_named_as_settings_are(name: str) -> None:
    services = [each for each in objects(name) if each["kind"] == "Service" and each["spec"].get("clusterIP") != "None"]
    links = {f"{each['metadata']['name'].upper().replace('-', '_')}_PORT" for each in services}
    assert links & exemplified().keys(), "with an address in it no part would start"
    for part, template in pods(name).items():
        assert template["spec"]["enableServiceLinks"] is False, part


SERVERS = {"webserver": 3000, "dashboard": 3080}
"""What has no login of its own, and the port of loopback on which it listens."""


@pytest.mark.parametrize("part", SERVERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_server_without_a_login_is_reached_through_the_same_proxy_alone(name: str, part: str) -> None:
    found = {container["name"]: container for container in pods(name)[part]["spec"]["containers"]}
    listens_on = " ".join(found[part]["args"]).replace("=", " ")
    assert f"--host 127.0.0.1 --port {SERVERS[part]}" in listens_on
    assert SERVERS[part] not in [port["containerPort"] for port in found[part].get("ports", [])]
    assert f"--upstream=http://127.0.0.1:{SERVERS[part]}" in found["proxy"]["args"]
    [service] = [each for each in objects(name) if each["kind"] == "Service" and part in each["metadata"]["name"]]
    assert service["spec"]["ports"][0] == {"name": "http", "port": 80, "targetPort": "http"}
    assert found["proxy"]["ports"] == [{"name": "http", "containerPort": 4180}]
    others = next(c for c in pods(name)["webserver"]["spec"]["containers"] if c["name"] == "proxy")
    is_same = {**found["proxy"], "args": [each for each in found["proxy"]["args"] if "--upstream" not in each]}
    assert is_same == {**others, "args": [each for each in others["args"] if "--upstream" not in each]}


@pytest.mark.parametrize("name", NAMES)
def test_the_dashboard_writes_nowhere_but_its_scratch_and_has_no_password(name: str) -> None:
    [dashboard] = [each for label, each in containers(name) if label == "dashboard/dashboard"]
    assert not [each for each in dashboard["env"] if "valueFrom" in each], "it needs no PostgreSQL"
    mounts = {mount["mountPath"]: mount for mount in dashboard["volumeMounts"]}
    assert {path for path, mount in mounts.items() if not mount.get("readOnly")} == {
        "/tmp",  # noqa: S108
        *(f"/opt/payments/home/{folder}" for folder in ("run", "logs", "dashboard")),
    }
    [account] = [each for each in objects(name) if each["kind"] == "ServiceAccount" and "dashboard" in str(each)]
    [processor] = [each for each in objects(name) if each["kind"] == "ServiceAccount" and "-stream@" in str(each)]
    assert account["metadata"]["annotations"] != processor["metadata"]["annotations"]
    assert pods(name)["dashboard"]["spec"]["serviceAccountName"] == account["metadata"]["name"]


@pytest.mark.parametrize("name", NAMES)
def test_the_dashboard_asks_for_dagster_where_a_policy_lets_it(name: str) -> None:
    [dashboard] = [each for label, each in containers(name) if label == "dashboard/dashboard"]
    [probe] = [each["value"] for each in dashboard["env"] if each["name"] == "PAYMENTS_DAGSTER_PROBE_URL"]
    assert probe == "http://payments-webserver/ping"
    assert read_stack_settings(settings_of(name) | {"PAYMENTS_DAGSTER_PROBE_URL": probe}).dagster_probe == probe
    assert 4180 in _ports_between(policies(name)["payments-dashboard"]["egress"], "to", "webserver")
    assert 4180 in _ports_between(policies(name)["payments-webserver"]["ingress"], "from", "dashboard")


def _ports_between(rules: list[dict[str, Any]], end: str, part: str) -> set[int]:
    """The ports that a policy opens between its pods and those of a part."""
    component = "app.kubernetes.io/component"
    return {
        port["port"]
        for rule in rules
        for peer in rule[end]
        if peer.get("podSelector", {}).get("matchLabels", {}).get(component) == part
        for port in rule["ports"]
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_pod_of_ours_is_a_part_of_the_image(name: str) -> None:
    parts = {label: container["args"][0] for label, container in containers(name) if "executor" not in label}
    parts = {label: part for label, part in parts.items() if not label.endswith("/proxy")}
    assert set(parts.values()) == {"processor", "code-location", "daemon", "webserver", "dashboard"} <= PARTS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_sparks_own_file_is_one_that_the_job_takes(name: str, tmp_path: Any) -> None:
    [found] = [each for each in objects(name) if each["metadata"]["name"] == "payments-spark"]
    path = tmp_path / "spark.conf"
    path.write_text(found["data"]["spark.conf"])
    assert conf_of(path)["spark.master"] == (
        "k8s://https://kubernetes.default.svc" if name == "executors" else "local[*]"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_files_of_dagster_are_ones_that_dagster_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", "of no matter")
    from dagster._config import process_config
    from dagster._core.instance.config import dagster_instance_config_schema
    from dagster._core.workspace.config_schema import process_workspace_config

    [found] = [each for each in objects(name) if each["metadata"]["name"] == "payments-dagster"]
    instance = process_config(dagster_instance_config_schema(), yaml.safe_load(found["data"]["dagster.yaml"]))
    assert instance.success, instance.errors
    workspace = process_workspace_config(yaml.safe_load(found["data"]["workspace.yaml"]))
    assert workspace.success, workspace.errors
