"""The compiler of .proto texts: whatever form a registry keeps them in."""

import base64

import pytest

from spark_jobs.decoding.proto_compiler import compiled
from spark_jobs.decoding.results import BadSchema

COMMON = 'syntax = "proto3"; package shop; message Party { string id = 1; }'
PAYMENT = 'syntax = "proto3"; package shop; import "common.proto"; message Payment { Party payer = 1; }'
KNOWN = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
import "confluent/meta.proto";
import "confluent/type/decimal.proto";
message Payment {
  google.protobuf.Timestamp at = 1 [(confluent.field_meta).doc = "when"];
  google.type.Money money = 2;
  confluent.type.Decimal rate = 3;
}
"""


def in_base64(text: str, references: dict[str, str]) -> str:
    """As Confluent's serializers for Python and Go register it."""
    return base64.b64encode(compiled(text, references).file[-1].SerializeToString()).decode()


def test_a_text_is_compiled_with_what_it_imports() -> None:
    files = compiled(PAYMENT, {"common.proto": COMMON}).file
    assert [file.package for file in files] == ["shop", "shop"]
    assert [message.name for message in files[-1].message_type] == ["Payment"]


def test_a_compiled_file_in_base64_is_as_good_as_its_text() -> None:
    text = compiled(PAYMENT, {"common.proto": COMMON}).file[-1]
    common, payment = in_base64(COMMON, {}), in_base64(PAYMENT, {"common.proto": COMMON})
    for main, reference in ((payment, common), (payment, COMMON), (PAYMENT, common)):
        assert compiled(main, {"common.proto": reference}).file[-1] == text


def test_the_files_that_everybody_knows_need_no_reference() -> None:
    assert compiled(KNOWN, {}).file[-1].message_type[0].name == "Payment"


def test_what_is_no_proto_file_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    for text, references in [("no proto", {}), (PAYMENT, {}), (COMMON, {"../outside.proto": COMMON})]:
        with pytest.raises(BadSchema):
            compiled(text, references)
    assert "common.proto" in capfd.readouterr().err
