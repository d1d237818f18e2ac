import socket

import pytest
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from spark_jobs.source.refusals import named, why

NOBODY = "127.0.0.1:1"


def test_a_refusal_that_was_only_logged_is_told() -> None:
    error = KafkaTimeoutError("Unable to bootstrap")
    error.add_note("Connection lost: SaslAuthenticationFailedError: invalid credentials")
    assert why(error, NOBODY).startswith("the login was refused")


def test_a_missing_right_names_the_topic() -> None:
    assert why(TopicAuthorizationFailedError(), NOBODY, "payment-events") == (
        "the user may not read topic 'payment-events': grant it Describe and Read on the topic."
    )


def test_an_error_of_a_jvm_is_told_by_its_name() -> None:
    text = "Job aborted: org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized [a]"
    assert str(named(text, "a")).startswith("the user may not read topic 'a'")
    assert named("java.lang.OutOfMemoryError") is None


def test_a_token_endpoint_that_refuses_is_told_without_what_the_client_made_of_it() -> None:
    error = KafkaTimeoutError("Unable to bootstrap")
    message = "the token endpoint http://a/token refused the client (HTTP 401): mend the client's id and secret."
    error.add_note(f"Bootstrap connection to bootstrap-0 failed: {message} (backoff 0.1 secs)")
    assert why(error, NOBODY) == message


def test_a_port_where_nobody_listens_is_told_from_one_that_says_nothing() -> None:
    assert "Connection refused" in why(KafkaTimeoutError(), NOBODY)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert why(KafkaTimeoutError(), address).startswith("it did not answer (KafkaTimeoutError): start it")


def test_a_port_without_tls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"127.0.0.1:{server.getsockname()[1]}"

        import threading

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        answering = threading.Thread(target=answer)
        answering.start()
        assert "does not speak TLS" in why(KafkaTimeoutError(), address)
        answering.join()
