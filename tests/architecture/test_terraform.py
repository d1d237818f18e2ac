"""deploy/terraform: the least roles, each with a reason, and names that are the product's settings."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import DBT_PROJECT_DIR
from spark_jobs.settings import read_job_settings
from spark_jobs.tables.catalog import TABLES, Layer
from tests.cloud_permissions import OURS, PERMISSIONS
from tests.cluster import object_store_server
from tests.terraform_files import TERRAFORM, grants, parsed, permissions_of

ROOT = Path(__file__).parents[2]
FILES = sorted(TERRAFORM.rglob("*.tf"))
READS, WRITES = {"bigquery.tables.getData"}, {"bigquery.tables.updateData"}
PRIMITIVE = {"roles/owner", "roles/editor", "roles/viewer", "roles/browser"}
ON_THE_PROJECT = {
    "roles/bigquery.jobUser": "a job belongs to a project, not to a dataset",
    "roles/bigquery.user": "a dataset that certify makes is in no dataset",
    "roles/bigquery.resourceViewer": "the job list is the project's",
    "roles/managedkafka.client": "it has no smaller place",
    "roles/dataproc.worker": "Dataproc asks for it on the project",
    "custom/payments_submitter": "a batch lies in a project and its region",
}
"""Roles that are given on the whole project, with why not on less."""
PERSONAL = re.compile("account_id|ip_address|device_id|raw_|headers|extra_fields|dropped_labels")
"""Columns that name a person."""


def resources(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        for block in parsed(path).get("resource", []):
            yield from block.get(kind, {}).items()


def test_every_grant_says_who_on_what_which_role_and_why() -> None:
    assert len(grants()) > 10
    for name, grant in grants().items():
        assert grant.keys() - {"optional"} == {"who", "on", "role", "why"}, name
        assert len(str(grant["why"]).split()) >= 2, name
        assert name.startswith(f"{grant['who']}/")


def test_no_role_is_primitive_and_each_is_in_the_list_of_permissions() -> None:
    roles = {grant["role"] for grant in grants().values()}
    assert not roles & PRIMITIVE
    assert roles == PERMISSIONS.keys(), "tests/cloud_permissions.py says what each role may do"


def test_a_role_of_our_own_may_what_the_list_of_permissions_says() -> None:
    [local] = parsed(TERRAFORM / "modules" / "access" / "access.tf")["locals"]
    ours = {grant["role"] for grant in grants().values() if grant["role"].startswith(OURS)}
    assert ours == {"custom/payments_submitter"}
    assert set(local["submitter_permissions"]) == PERMISSIONS["custom/payments_submitter"]
    assert [body["role_id"] for _, body in resources("google_project_iam_custom_role")] == ["payments_submitter"]


def test_a_role_on_the_whole_project_has_a_reason() -> None:
    assert {grant["role"] for grant in grants().values() if grant["on"] == "project"} == ON_THE_PROJECT.keys()


def test_no_role_is_given_but_by_the_table_of_grants() -> None:
    for path in FILES:
        if path.parent.name != "access":
            assert not re.findall(r'role\s*=\s*"', path.read_text()), path.name
    kinds = {kind for path in FILES for block in parsed(path).get("resource", []) for kind in block if "_iam_" in kind}
    # A role by itself gives nobody anything.
    kinds -= {"google_project_iam_custom_role"}
    assert kinds
    for kind in kinds:
        assert kind.endswith("_iam_member"), "a binding would take away what others gave"
        assert all(body["role"] == "${each.value.role}" for _, body in resources(kind))


def test_nobody_but_who_must_may_change_a_payment() -> None:
    writers = {who for who in {grant["who"] for grant in grants().values()} if permissions_of(who) >= WRITES}
    assert writers == {"stream", "dbt"}
    dashboards = {name.rpartition(".")[2] for name in permissions_of("dashboard")}
    assert not {name for name in dashboards if re.match("update|delete|fineGrained", name)}, "it only reads"
    assert not {name for name in permissions_of("simulator") if name.startswith(("bigquery.", "storage."))}


MAY_WRITE = {
    Layer.RAW: {"stream", "dbt"},
    Layer.OPERATIONS: {"stream", "dbt"},
    Layer.MARTS: {"dbt"},
}
MAY_READ = {
    Layer.RAW: {"stream", "dbt", "dashboard", "operators"},
    Layer.OPERATIONS: {"stream", "dbt", "dashboard", "operators"},
    Layer.MARTS: {"dbt", "dashboard", "operators", "analysts"},
}


@pytest.mark.parametrize("layer", Layer)
def test_who_reads_and_writes_a_layer_is_given_that_on_its_dataset(layer: Layer) -> None:
    everybody = {grant["who"] for grant in grants().values()}
    assert {who for who in everybody if permissions_of(who, layer) >= WRITES} == MAY_WRITE[layer]
    assert {who for who in everybody if permissions_of(who, layer) >= READS} == MAY_READ[layer]
    assert not {who for who in everybody if permissions_of(who, "project") & (READS | WRITES)}, "it would be all layers"


def test_no_key_of_a_service_account_is_made() -> None:
    assert not list(resources("google_service_account_key"))


def test_every_bucket_has_a_lifecycle_and_uniform_access() -> None:
    buckets = dict(resources("google_storage_bucket"))
    assert buckets.keys() == {"checkpoints", "staging"}
    for body in buckets.values():
        assert body["uniform_bucket_level_access"] is True
        assert body["public_access_prevention"] == "enforced"
        assert body["lifecycle_rule"]


def test_no_rule_deletes_a_file_of_a_checkpoint() -> None:
    [rule] = dict(resources("google_storage_bucket"))["checkpoints"]["lifecycle_rule"]
    [action] = rule["action"]
    assert action["type"] == "AbortIncompleteMultipartUpload"


def test_the_settings_that_come_out_are_settings_of_the_product() -> None:
    [environment] = [o["environment"] for o in parsed(TERRAFORM / "outputs.tf")["output"] if "environment" in o]
    names = set(environment["value"])
    documented = (ROOT / ".env.example").read_text()
    assert names == {name for name in names if re.search(rf"^(# )?{name}=", documented, re.M)}
    example = {name: "acme-prod" if name == "BIGQUERY_PROJECT" else "EU" for name in names}
    example |= {"BIGQUERY_DATASET": "payment_data", "CHECKPOINT_LOCATION": "gs://a/c", "STAGING_LOCATION": "gs://a/s"}
    assert read_job_settings(example).emulator_host is None


def test_the_datasets_have_the_names_of_the_products_example() -> None:
    defaults = {name: v.get("default") for b in parsed(TERRAFORM / "variables.tf")["variable"] for name, v in b.items()}
    assert defaults["dataset"] == read_job_settings({}).dataset
    example = dict(re.findall(r"^# (BIGQUERY_\w+_DATASET)=(\w+)$", (ROOT / ".env.example").read_text(), re.M))
    assert example == {
        "BIGQUERY_RAW_DATASET": defaults["raw_dataset"],
        "BIGQUERY_MARTS_DATASET": defaults["marts_dataset"],
    }


def test_every_column_that_names_a_person_is_in_the_checklist_with_its_tag() -> None:
    page = (ROOT / "docs" / "going-to-production.md").read_text()
    tags = parsed(TERRAFORM / "policy_tags.tf")["locals"][0]["tags"]
    listed = dict(re.findall(r"^\| `(\w+)` \| (`.*`) \|$", page, re.M))
    assert listed.keys() == tags.keys()
    named = {column for columns in listed.values() for column in re.findall(r"`(\w+)`", columns)}
    columns = {column.name for table in TABLES for column in table.columns}
    assert named <= columns
    assert {column for column in columns if PERSONAL.search(column)} <= named


def test_the_checklist_names_each_table_of_the_marts_that_names_a_person() -> None:
    page = (ROOT / "docs" / "going-to-production.md").read_text()
    [listed] = re.findall(r"these tables of the marts: (.*?)\.\s", page, re.DOTALL)
    models = {path.stem: path for path in (DBT_PROJECT_DIR / "models").rglob("*.sql")}
    is_table = re.compile(r"config\(\s*(\*\*kept_\w+\(|materialized='(table|incremental)')")
    tables = {name for name, path in models.items() if is_table.search(path.read_text())}
    columns = {name: re.findall(r"- name: (\w+)", models[name].with_suffix(".yml").read_text()) for name in tables}
    naming = {name for name in tables if any(PERSONAL.search(column) for column in columns[name])}
    assert set(re.findall(r"`(\w+)`", listed)) == naming


API_OF = {
    "google_bigquery_": "bigquery",
    "google_bigquery_datapolicy_": "bigquerydatapolicy",
    "google_billing_": "billingbudgets",
    "google_data_catalog_": "datacatalog",
    "google_logging_": "logging",
    "google_monitoring_": "monitoring",
    "google_project": "cloudresourcemanager",
    "google_project_iam_custom_role": "iam",
    "google_service_account": "iam",
    "google_storage_": "storage",
}
"""The interface that makes a resource, by how the resource's name begins."""


def test_every_interface_that_terraform_asks_is_turned_on_before() -> None:
    page = (ROOT / "docs" / "going-to-production.md").read_text()
    on = page.index("terraform init")
    turned_on = set(re.findall(r"(\w+)\.googleapis\.com", page[:on]))
    blocks = [block for path in FILES for each in ("resource", "data") for block in parsed(path).get(each, [])]
    kinds = {kind for block in blocks for kind in block}
    assert len(kinds) > 10
    for kind in kinds:
        # Of two that fit, the longer one.
        assert API_OF[max((prefix for prefix in API_OF if kind.startswith(prefix)), key=len)] in turned_on, kind


def test_every_account_that_the_page_binds_and_every_variable_that_it_sets_is_terraforms() -> None:
    page = (ROOT / "docs" / "going-to-production.md").read_text()
    [accounts] = [body["for_each"] for _, body in resources("google_service_account")]
    assert set(re.findall(r"payments-(\w+)@acme", page)) <= set(re.findall(r'"(\w+)"', accounts))
    variables = {name for block in parsed(TERRAFORM / "variables.tf")["variable"] for name in block}
    assert set(re.findall(r"^ {10}(\w+) +=", page, re.MULTILINE)) <= variables
    assert {"one_machine", "managed_kafka", "kms_key"} <= variables


def test_nothing_that_terraform_leaves_behind_is_committed() -> None:
    assert not list(TERRAFORM.rglob(".terraform*"))


@pytest.fixture
def terraform() -> str:
    found = shutil.which("terraform")
    if found is None:
        pytest.skip("terraform is not installed: https://developer.hashicorp.com/terraform/install")
    return found


def run(*command: str | Path, folder: Path) -> str:
    # It would ask its maker for a newer version, and leave a file that says so in HOME.
    env = {"HOME": str(folder), "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_files_are_formatted(terraform: str) -> None:
    run(terraform, "fmt", "-check", "-recursive", folder=TERRAFORM)


def test_the_table_of_grants_passes_its_own_tests(terraform: str, tmp_path: Path) -> None:
    module = tmp_path / "access"
    shutil.copytree(TERRAFORM / "modules" / "access", module, ignore=shutil.ignore_patterns(".terraform*"))
    run(terraform, "init", "-backend=false", folder=module)
    run(terraform, "validate", folder=module)
    assert "10 passed, 0 failed" in run(terraform, "test", "-no-color", folder=module)


def test_the_clusters_object_store_lets_the_stream_do_what_its_role_on_both_buckets_allows_and_no_more() -> None:
    mine = {grant["role"] for grant in grants().values() if grant["who"] == "stream" and grant["on"] != "project"}
    assert object_store_server.ROLE in mine
    objects = "/storage/v1/b/bucket/o"
    assert object_store_server.may("GET", f"{objects}/a%2Fb?alt=media", b"")
    assert object_store_server.may("POST", f"/upload{objects}?uploadType=resumable&name=a", b"")
    assert object_store_server.may("POST", f"{objects}/a/rewriteTo/b/bucket/o/b?x=1", b"{}")
    for method, path in (
        ("GET", "/bucket?list-type=2"),
        ("PUT", "/bucket/a"),
        ("HEAD", "/bucket/a"),
        ("DELETE", "/bucket/a"),
    ):
        assert object_store_server.may(method, path, b""), f"{method} {path}"
    for method, path in (
        ("GET", "/storage/v1/b/bucket"),
        ("GET", "/storage/v1/b?project=p"),
        ("POST", "/storage/v1/b?project=p"),
        ("DELETE", "/storage/v1/b/bucket"),
        ("PUT", "/storage/v1/b/bucket/iam"),
        ("PUT", "/bucket"),
        ("DELETE", "/bucket"),
        ("POST", f"{objects}/a/acl"),
    ):
        assert not object_store_server.may(method, path, b""), f"{method} {path}"
    deleted = b"--x\r\n\r\nDELETE /storage/v1/b/bucket/o/a HTTP/1.1\r\n\r\n"
    assert object_store_server.may("POST", "/batch/storage/v1", deleted)
    assert not object_store_server.may("POST", "/batch/storage/v1", deleted + deleted.replace(b"/o/a", b""))
