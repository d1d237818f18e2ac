"""The text of .proto files into descriptors, by Google's own compiler.

Belongs here: what the compiler is given and what comes out. Does not belong here: messages (protobuf). Files live in a
temporary folder, for as long as the compiler runs.
"""

import base64
import binascii
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError

from spark_jobs.decoding.results import BadSchema

_MAIN = "payments_registered_schema.proto"
_TARGETS = ("file", "message", "field", "enum", "enum_value")
_OPTIONS = "FileOptions MessageOptions FieldOptions EnumOptions EnumValueOptions".split()
_KNOWN = {
    "confluent/type/decimal.proto": """
syntax = "proto3";
package confluent.type;
message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }
""",
    "confluent/meta.proto": """
syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
"""
    + "".join(
        f"extend google.protobuf.{options} {{ Meta {target}_meta = 1088; }}\n"
        for target, options in zip(_TARGETS, _OPTIONS, strict=True)
    ),
}
"""Files that Confluent's serializers take for known: they import them, and register them with nobody."""


def compiled(text: str, references: Mapping[str, str]) -> FileDescriptorSet:
    """Descriptors of a file and of all that it imports; its own is the last.

    Args:
        text: the file.
        references: the files that it imports, by the names that it imports them by.

    Raises:
        BadSchema: the compiler refuses it.
    """
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as name:
        folder, given = Path(name) / "files", FileDescriptorSet()
        for path, content in {**_KNOWN, **references, _MAIN: text}.items():
            descriptor = _descriptor(content)
            if descriptor is None:
                _write(folder, path, content)
            else:
                descriptor.name = path
                given.file.append(descriptor)
        found, descriptors = Path(name) / "compiled", Path(name) / "given"
        descriptors.write_bytes(given.SerializeToString())
        # What is wrong it says on the standard error, which is the task's log.
        refused = protoc.main(
            [
                "protoc",
                *(f"-I{include}" for include in (folder, *_well_known())),
                *([f"--descriptor_set_in={descriptors}"] if given.file else []),
                "--include_imports",
                f"--descriptor_set_out={found}",
                _MAIN,
            ]
        )
        if refused:
            raise BadSchema("the compiler refuses it")
        return FileDescriptorSet.FromString(found.read_bytes())


def _descriptor(content: str) -> FileDescriptorProto | None:
    """Of a file that its serializer has registered compiled, in base64, as Confluent's for Python and Go do."""
    try:
        return FileDescriptorProto.FromString(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError, DecodeError):
        return None


def _write(folder: Path, name: str, content: str) -> None:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BadSchema(f"{name} is no name of a file to import")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def _well_known() -> list[Path]:
    """Folders of google/protobuf/*.proto, which the compiler brings, and of google/type/*.proto."""
    of_compiler, of_types = find_spec("grpc_tools"), find_spec("google.type")
    found = [Path(str(of_compiler.origin)).parent / "_proto"] if of_compiler else []
    if of_types and of_types.submodule_search_locations:
        found.append(Path(next(iter(of_types.submodule_search_locations))).parents[1])
    return found
