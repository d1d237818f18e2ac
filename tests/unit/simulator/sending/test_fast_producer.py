"""What the producer of bulk loads says where Kafka does not let it in: as every other client, by recorded errors."""

from types import SimpleNamespace
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, KafkaException

from simulator.sending.fast_producer import FastProducer
from simulator.sending.producer import ProducerError

NOBODY = "127.0.0.1:1"
BAD_LOGIN = (
    "sasl_plaintext://127.0.0.1:9092/bootstrap: SASL authentication error: Authentication failed during authentication "
    "due to invalid credentials with SASL mechanism SCRAM-SHA-512 (after 312ms in state AUTH_REQ)"
)
NO_MECHANISM = (
    "sasl_plaintext://127.0.0.1:9092/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL "
    "mechanism: broker's supported mechanisms: SCRAM-SHA-512"
)


def refusal(patch: pytest.MonkeyPatch, *heard: KafkaError, topic_error: KafkaError | None = None) -> str:
    """What it says where its client hears these errors, and gets no list of topics or one with an error."""

    class Recorded:
        def __init__(self, options: dict[str, Any]) -> None:
            self._hear = options["error_cb"]

        def list_topics(self, topic: str, timeout: float) -> Any:
            assert timeout
            if topic_error is None:
                raise KafkaException(KafkaError(KafkaError._TRANSPORT, "Failed to get metadata"))
            return SimpleNamespace(topics={topic: SimpleNamespace(error=topic_error, partitions={})})

        def poll(self, _seconds: float) -> None:
            for error in heard:
                self._hear(error)

    patch.setattr(confluent_kafka, "Producer", Recorded)
    with pytest.raises(ProducerError) as refused:
        FastProducer(NOBODY, "payment-events")
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("code", "text", "message"),
    [
        (KafkaError._AUTHENTICATION, BAD_LOGIN, "the login was refused"),
        (KafkaError._AUTHENTICATION, NO_MECHANISM, "the broker does not offer this SASL mechanism"),
    ],
)
def test_a_refused_login_is_told_as_one(monkeypatch: pytest.MonkeyPatch, code: int, text: str, message: str) -> None:
    errors = (KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"), KafkaError(code, text))
    assert refusal(monkeypatch, *errors).startswith(f"Kafka at {NOBODY}: {message}")


def test_a_broker_that_does_not_answer_is_told_from_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "it did not answer" in refusal(monkeypatch, KafkaError(KafkaError._TRANSPORT, "Connection refused"))


def test_a_missing_right_is_told_from_a_missing_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = refusal(monkeypatch, topic_error=KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    assert missing.startswith("The topic payment-events does not exist")
    forbidden = refusal(monkeypatch, topic_error=KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    assert "the user may not read topic 'payment-events'" in forbidden
