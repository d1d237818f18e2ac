import pytest

from orchestration.certify.batches import Batches
from orchestration.certify.findings import STAND_IN_LACKS, Broken, Verdict, judged
from orchestration.certify.statements import QUESTIONS

LACKING = next(question for question, reason in STAND_IN_LACKS.items() if reason)


def no() -> str:
    raise Broken("it does not")


def silent() -> str:
    raise ConnectionError("no\n answer")


def verdict_of(ask: object, question: str, *, is_local: bool) -> Verdict:
    return judged(ask, question, is_local=is_local, errors=(ConnectionError,)).verdict  # type: ignore[arg-type]


@pytest.mark.parametrize("ask", [no, silent])
def test_what_a_stand_in_is_known_to_lack_is_not_shown_there_and_a_failure_on_bigquery(ask: object) -> None:
    assert verdict_of(ask, LACKING, is_local=True) is Verdict.NOT_SHOWN
    assert verdict_of(ask, LACKING, is_local=False) is Verdict.FAILED
    assert verdict_of(ask, "money is exact", is_local=True) is Verdict.FAILED


def test_a_failure_is_one_line() -> None:
    found = judged(silent, "is it there?", is_local=False, errors=(ConnectionError,))
    assert found.detail == "no answer"


def test_what_no_question_foresees_is_no_verdict() -> None:
    with pytest.raises(ZeroDivisionError):
        judged(lambda: str(1 / 0), "is it there?", is_local=True, errors=(ConnectionError,))


def test_every_question_that_a_stand_in_lacks_is_asked() -> None:
    asked = {*QUESTIONS, *Batches(None).questions()}  # type: ignore[arg-type]
    assert asked >= STAND_IN_LACKS.keys()
