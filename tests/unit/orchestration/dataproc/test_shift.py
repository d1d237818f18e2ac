"""A run at Dataproc on the wire: handed over once, waited for, read back, cancelled; each request within the roles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from orchestration.dataproc import shift
from orchestration.dataproc.errors import DataprocFailed, DataprocUnreachable
from orchestration.dataproc.services import Seen, State, open_service
from orchestration.dataproc.shift import PATIENCE_SECONDS, POLL_SECONDS, run_shift
from tests.dataproc_stand_in import UNDER_WAY, StandIn, stand_in
from tests.unit.orchestration.dataproc.examples import CLUSTER, RUN, SERVERLESS, dataproc_of, handed_over

NAME = f"payments-{RUN}"
BATCHES = "/v1/projects/acme-payments/locations/europe-west3/batches"
JOBS = "/v1/projects/acme-payments/regions/europe-west3/jobs"


@pytest.fixture
def dataproc() -> Iterator[StandIn]:
    with stand_in() as started:
        yield started


@dataclass
class Waiting:
    """A clock that only sleeping moves, by `pace` for each second; `then` is called at each sleep."""

    now: float = 0.0
    pace: float = 1.0
    said: list[str] = field(default_factory=list)
    then: Callable[[float], None] = lambda _: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds * self.pace
        self.then(self.now)


def run(dataproc: StandIn, env: dict[str, str], waiting: Waiting | None = None) -> Seen:
    waiting = waiting or Waiting()
    with open_service(dataproc_of(env), **dataproc.transport()) as service:
        return run_shift(service, handed_over(env), waiting.said.append, clock=lambda: waiting.now, sleep=waiting.sleep)


kinds = pytest.mark.parametrize(
    ("env", "ends"),
    [
        (SERVERLESS, {"well": "SUCCEEDED", "badly": "FAILED"}),
        (CLUSTER, {"well": "DONE", "badly": "ERROR"}),
    ],
    ids=["serverless", "cluster"],
)


def submitted(dataproc: StandIn) -> list[str]:
    return [each.path for each in dataproc.asked if each.method == "POST" and not each.path.endswith(":cancel")]


def test_a_batch_is_created_under_the_runs_name_and_waited_for(dataproc: StandIn) -> None:
    waiting = Waiting()
    seen = run(dataproc, SERVERLESS, waiting)
    assert (seen.state, seen.called) == (State.SUCCEEDED, "SUCCEEDED")
    [created] = dataproc.sent("/batches")
    assert created.query.items() >= {"batchId": NAME, "requestId": RUN}.items()
    assert created.body["pysparkBatch"]["mainPythonFileUri"].endswith("handed_over.py")
    assert f"batch {NAME} is RUNNING" in waiting.said
    assert seen.log == "gs://acme-staging/driveroutput"
    assert seen.page.startswith("https://console.cloud.google.com/dataproc/batches/europe-west3/payments-")


def test_a_job_is_submitted_under_the_runs_name_and_waited_for(dataproc: StandIn) -> None:
    dataproc.states = ("PENDING", "SETUP_DONE", "RUNNING", "DONE")
    seen = run(dataproc, CLUSTER)
    assert (seen.state, seen.called) == (State.SUCCEEDED, "DONE")
    [sent] = dataproc.sent("/jobs:submit")
    assert sent.body["requestId"] == RUN
    assert sent.body["job"]["reference"]["jobId"] == NAME
    assert seen.page == (
        f"https://console.cloud.google.com/dataproc/jobs/{NAME}?region=europe-west3&project=acme-payments"
    )


@kinds
def test_what_is_asked_is_within_the_roles_and_nobody_elses_would_do(
    dataproc: StandIn, env: dict[str, str], ends: dict[str, str]
) -> None:
    dataproc.states = (*UNDER_WAY, ends["well"])
    run(dataproc, env)
    # The stand-in refuses what dbt's account, which is Dagster's, may not, and what the API does not know.
    for who in ("stream", "dashboard", "operators"):
        dataproc.who = who
        with pytest.raises(DataprocFailed, match=r"HTTP 403.*a role is missing"):
            run(dataproc, env)


@kinds
def test_a_step_that_is_tried_again_finds_its_run_and_starts_no_other(
    dataproc: StandIn, env: dict[str, str], ends: dict[str, str]
) -> None:
    dataproc.states = (*UNDER_WAY, *UNDER_WAY, ends["well"])
    run(dataproc, env)
    run(dataproc, env)
    assert len(submitted(dataproc)) == 1


@kinds
def test_an_answer_that_was_lost_is_read_back(dataproc: StandIn, env: dict[str, str], ends: dict[str, str]) -> None:
    dataproc.states, dataproc.is_lost = (*UNDER_WAY, ends["well"]), True
    dataproc.answers = [0, 503]
    run(dataproc, env)
    assert len(submitted(dataproc)) == 1
    assert len(dataproc.there) == 1


@kinds
def test_a_second_request_for_one_name_is_no_error(
    dataproc: StandIn, env: dict[str, str], ends: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataproc.states = (*UNDER_WAY, ends["well"])
    with open_service(dataproc_of(env), **dataproc.transport()) as service:
        service.submit(handed_over(env))
        find, looks = service.find, []

        def blind(name: str) -> Seen | None:
            looks.append(name)
            return None if len(looks) == 1 else find(name)

        monkeypatch.setattr(type(service), "find", lambda _, name: blind(name))
        run_shift(service, handed_over(env), lambda _: None, sleep=lambda _: None)
    assert len(dataproc.there) == 1


@kinds
def test_while_dataproc_is_away_the_run_is_waited_for(
    dataproc: StandIn, env: dict[str, str], ends: dict[str, str]
) -> None:
    dataproc.states = (*UNDER_WAY, ends["well"])
    dataproc.answers = [0, 0, 0, 503, 429, 500, 502, 504]
    assert run(dataproc, env).state is State.SUCCEEDED
    assert not dataproc.answers


@kinds
def test_one_that_stays_away_leaves_the_run_alone(dataproc: StandIn, env: dict[str, str], ends: dict[str, str]) -> None:
    del ends
    dataproc.states = UNDER_WAY
    dataproc.answers = [0, 0, 0] + [503] * 1000
    waiting = Waiting(pace=6)
    with pytest.raises(DataprocUnreachable, match="may go on by itself"):
        run(dataproc, env, waiting)
    assert PATIENCE_SECONDS <= waiting.now <= PATIENCE_SECONDS + 12 * POLL_SECONDS
    assert not dataproc.cancelled


@kinds
def test_a_failure_is_one_line_with_the_page_and_the_log(
    dataproc: StandIn, env: dict[str, str], ends: dict[str, str]
) -> None:
    dataproc.states, dataproc.words = (*UNDER_WAY, ends["badly"]), "Job failed\nwith a Traceback of many lines"
    with pytest.raises(DataprocFailed) as failed:
        run(dataproc, env)
    line = str(failed.value)
    assert "\n" not in line
    assert f"{NAME} ended as {ends['badly']}: https://console.cloud.google.com/dataproc/" in line
    assert line.endswith("its driver's log is gs://acme-staging/driveroutput*")
    assert "Traceback" not in line
    assert failed.value.words == dataproc.words


@kinds
def test_whoever_ends_the_wait_ends_the_run(dataproc: StandIn, env: dict[str, str], ends: dict[str, str]) -> None:
    del ends
    dataproc.states = UNDER_WAY

    def interrupt(_now: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(dataproc, env, Waiting(then=interrupt))
    [cancelled] = dataproc.cancelled
    assert cancelled.endswith((f"/operations/{NAME}:cancel", f"/jobs/{NAME}:cancel"))


@kinds
def test_one_that_has_ended_is_not_cancelled(dataproc: StandIn, env: dict[str, str], ends: dict[str, str]) -> None:
    dataproc.states = (ends["well"],)
    run(dataproc, env)
    with open_service(dataproc_of(env), **dataproc.transport()) as service:
        service.cancel(NAME)
        service.cancel("payments-nobody")
    assert not dataproc.cancelled


@kinds
def test_one_that_goes_on_for_too_long_is_ended(dataproc: StandIn, env: dict[str, str], ends: dict[str, str]) -> None:
    del ends
    dataproc.states = UNDER_WAY
    waiting = Waiting(pace=6)
    with pytest.raises(DataprocFailed, match="was cancelled: it took longer than 1500 s"):
        run(dataproc, env, waiting)
    assert 1500 <= waiting.now <= 1500 + 6 * POLL_SECONDS
    assert len(dataproc.cancelled) == 1


@kinds
@pytest.mark.parametrize(("code", "why"), [(400, "do not go together"), (404, "no such project, region or cluster")])
def test_a_refusal_says_what_to_do_and_repeats_no_answer(
    dataproc: StandIn, env: dict[str, str], ends: dict[str, str], code: int, why: str
) -> None:
    del ends
    dataproc.answers = [0, code]
    with pytest.raises(DataprocFailed) as failed:
        run(dataproc, env)
    assert why in str(failed.value)
    assert "not now" not in str(failed.value)
    assert "not now" in failed.value.words


def test_a_state_that_is_newer_than_the_client_is_waited_out(
    dataproc: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [Seen(State.UNDER_WAY, "17", "", "page", ""), Seen(State.SUCCEEDED, "SUCCEEDED", "", "page", "")]
    with open_service(dataproc_of(SERVERLESS), **dataproc.transport()) as service:
        monkeypatch.setattr(type(service), "find", lambda *_: seen.pop(0))
        assert run_shift(service, handed_over(SERVERLESS), lambda _: None, sleep=lambda _: None).called == "SUCCEEDED"


def test_without_an_identity_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    def nobody(*_: object, **__: object) -> None:
        raise DefaultCredentialsError("a long text")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(google.auth, "default", nobody)
    with pytest.raises(DataprocFailed, match="no identity at Google"), open_service(dataproc_of(SERVERLESS)):
        pass


def test_the_regions_own_address_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.credentials import AnonymousCredentials

    monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), "acme"))  # type: ignore[no-untyped-call]
    for env in (SERVERLESS, CLUSTER):
        with open_service(dataproc_of(env)) as service:
            assert service.client.transport.host == "https://europe-west3-dataproc.googleapis.com"  # type: ignore[attr-defined]


def test_the_wait_is_as_long_as_dagster_lets_a_run_be() -> None:
    from orchestration.dataproc.request import Shift
    from orchestration.platform.dagster_home import DAGSTER_YAML

    longest = Shift(0, 1500, 0).limit_seconds
    assert f"max_runtime_seconds: {longest + PATIENCE_SECONDS:.0f}" in DAGSTER_YAML
    assert shift.POLL_SECONDS < 60
