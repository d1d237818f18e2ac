"""Whether a kept record still says what the warehouse says of it: its raw value is read again, by its batch's contract.

Belongs here: asking the streaming job's own reader, and comparing. Does not belong here: rules among tables
(ledger_rules), the sender's word (manifest_rules).

The lists of codes and the mapping of every contract are kept in the warehouse, so a record is judged by those of its
batch. Where the rules themselves have changed since, or nothing says which contract a batch had, the rules of now are
asked: what they read as it is stored is proved, and of the others only what no contract decides. They are counted, not
passed over.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration.verification.ledger_rules import Break
from spark_jobs.contract.payment_event import Reason
from spark_jobs.tables.row_types import ReadRow

if TYPE_CHECKING:
    from spark_jobs.reading.contracts import Contract


COMPARED = ("transaction_id", "event_time", "currency", "amount_minor", "payload_hash", "value_sha256", "reasons")
SAID_BY_ANY_CONTRACT = ("transaction_id", "event_time", "currency")
"""Where two contracts read such a field at all, they read the same."""

MADE_OF = "a contract's version is made of its rules, lists and mapping"
NO_VERSION = "no recorded version"
NOT_KEPT = "version {}, which contract_versions does not have in a form that is known here"
OTHER_RULES = "version {}, whose rules are not those of now"
OTHER_SCHEMAS = "schemas that the registry did not know then, or does not know now"


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What the kept records come to. `not_reread` counts, by its contract, what could not be judged by it."""

    breaks: list[Break]
    not_reread: Mapping[str, int] = field(default_factory=dict)


def rejudge(rows: Sequence[ReadRow], ledger: Sequence[ReadRow], versions: Sequence[ReadRow]) -> Rejudged:
    """Every column of a kept delivery that its raw value does not bear out, by the contract of its batch.

    Args:
        rows: rows of payment_deliveries with `raw_key` and `raw_value`.
        ledger: rows of batch_ledger.
        versions: rows of contract_versions.
    """
    from spark_jobs.reading.contracts import contract_of_now, judged_again_by
    from spark_jobs.reading.rereading import reread

    now = contract_of_now()
    kept, breaks = _kept_contracts(versions)
    contracts = {now.version: now} | {v: contract for v, contract in kept.items() if contract.rules == now.rules}
    version_of = {row["batch_id"]: row.get("contract_version") for row in ledger}
    clock_of = {row["batch_id"]: row.get("judged_at") for row in ledger}
    groups: dict[str | None, list[ReadRow]] = {}
    for row in rows:
        groups.setdefault(version_of.get(row["batch_id"]), []).append(row)
    not_reread: Counter[str] = Counter()
    for version, members in groups.items():
        contract = contracts.get(version or "")
        judged_by = contract or judged_again_by(kept.get(version or ""), now)
        clocks = [clock_of.get(row["batch_id"]) for row in members]
        again = reread(members, judged_by, clocks=clocks)
        for row, read, clock in zip(members, again, clocks, strict=True):
            found = list(_compare(row, read, COMPARED))
            if found and clock is not None and clock < row["kafka_timestamp"]:
                # Where the broker set the timestamp that alone counted, and nothing says any more who did.
                [by_the_broker] = reread([row], judged_by)
                found = list(_compare(row, by_the_broker, COMPARED)) and found
            if found and contract is None:
                not_reread[_why(version, kept)] += 1
                found = list(_undisputed(row, read))
            elif found and _has_unknown_schema(row) != _has_unknown_schema(read):
                not_reread[OTHER_SCHEMAS] += 1
                found = list(_compare(row, read, ("value_sha256",)))
            breaks += found
    return Rejudged(breaks, dict(not_reread))


def _kept_contracts(versions: Sequence[ReadRow]) -> "tuple[dict[str, Contract], list[Break]]":
    """The contracts on record, and those that were altered: they do not make the hash that they go by."""
    from spark_jobs.mapping.mapping_error import MappingError
    from spark_jobs.reading.contracts import contract_in

    kept: dict[str, Contract] = {}
    breaks = []
    for row in versions:
        told = row["contract_version"]
        try:
            contract = contract_in(row)
        except MappingError:
            continue
        if contract.version == told:
            kept[told] = contract
        else:
            breaks.append(Break(MADE_OF, "contract_versions", told, contract.version))
    return kept, breaks


def _why(version: str | None, kept: "Mapping[str, Contract]") -> str:
    if version is None:
        return NO_VERSION
    return (OTHER_RULES if version in kept else NOT_KEPT).format(version)


def _has_unknown_schema(row: ReadRow) -> bool:
    return Reason.UNKNOWN_SCHEMA in row["reasons"]


def _undisputed(row: ReadRow, again: ReadRow) -> Iterator[Break]:
    """What no contract decides: the value's bytes, and what a field says that both have read."""
    said = [name for name in SAID_BY_ANY_CONTRACT if row[name] is not None and again[name] is not None]
    yield from _compare(row, again, ("value_sha256", *said))


def _compare(row: ReadRow, again: ReadRow, names: Sequence[str]) -> Iterator[Break]:
    where = f"{row['topic']} {row['kafka_partition']}:{row['kafka_offset']}"
    is_ignored = row["disposition"] == "IGNORED"
    if names is COMPARED and is_ignored != again["is_ignored"]:
        yield Break("what is ignored is what the mapping ignores", where, again["is_ignored"], is_ignored)
    for name in names:
        stored = row[name]
        if stored != again[name]:
            yield Break(f"{name} is what the kept value says", where, again[name], stored)
