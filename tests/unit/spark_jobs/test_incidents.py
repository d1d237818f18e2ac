"""What a client raises, in one line: what happened, and nothing of how it was asked."""

import socket

import pytest
import requests
from google.api_core.exceptions import RetryError, from_http_response

from spark_jobs.incidents import LONGEST_MESSAGE, one_line


def refused(reason: str) -> Exception:
    """As Google's client raises what a server has answered."""
    answer = requests.Response()
    answer.status_code = 404
    answer.request = requests.Request("GET", "http://127.0.0.1:9050/bigquery/v2/projects/p/datasets/d").prepare()
    answer._content = b'{"error": {"message": "%s"}}' % reason.encode()
    error: Exception = from_http_response(answer)  # type: ignore[no-untyped-call]
    return error


def unanswered() -> requests.RequestException:
    """As requests raises where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        with pytest.raises(requests.RequestException) as raised:
            requests.get(f"http://127.0.0.1:{holder.getsockname()[1]}/bigquery/v2", timeout=5)
    return raised.value


def test_a_refusal_is_the_servers_reason_without_the_request() -> None:
    assert one_line(refused("Not found: Dataset p:d")) == "Not found: Dataset p:d"


def test_a_server_that_does_not_answer_is_named_whatever_wraps_it() -> None:
    silent = unanswered()
    assert one_line(silent).startswith("no answer from 127.0.0.1:")
    wrapped = RetryError("Timeout of 60.0s exceeded", silent)  # type: ignore[no-untyped-call]
    assert one_line(wrapped) == one_line(silent)


class ObjectOfTheJvm:
    """As py4j's: whatever attribute is asked for, it is there, and is a method of Java's."""

    def __getattr__(self, name: str) -> object:
        return print


def test_an_error_of_the_jvm_is_its_first_line_whatever_its_objects_claim_to_have() -> None:
    error = RuntimeError("An error occurred while calling start.\n", ObjectOfTheJvm())
    error.message = "An error occurred\nat java"  # type: ignore[attr-defined]
    assert one_line(error) == "An error occurred"


def test_whatever_else_is_raised_is_its_first_line_cut_to_size() -> None:
    assert one_line(ValueError("first\nsecond")) == "first"
    assert one_line(TimeoutError()) == "TimeoutError"
    assert len(one_line(ValueError("x" * 2 * LONGEST_MESSAGE))) == LONGEST_MESSAGE
