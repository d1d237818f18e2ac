"""Commands on what others' topics hold: accounts of any text, fields of any name. Real broker, Spark and warehouse."""

import pytest

from spark_jobs.corrections.promoted_fields import CannotPromote, FieldType, promote, take_back, unknown_fields
from spark_jobs.erasure import erase
from spark_jobs.erasure.account_names import ids_of
from spark_jobs.erasure.account_search import find, unsearchable
from spark_jobs.erasure.copies import drop_copies
from spark_jobs.fraud import lists
from spark_jobs.fraud.labels import Label, label_payment
from spark_jobs.fraud.lists import ListName, Subject, SubjectKind
from spark_jobs.tables import catalog
from tests.world import World, event

pytestmark = pytest.mark.integration

ACCOUNTS = ("field.test@okexample", "DE02 1203 0000 0000 2020 51", "+254700000001", "Zo\u00eb \\ M\u00fcller")


def test_an_account_of_any_text_is_found_and_erased(world: World) -> None:
    quoted = ACCOUNTS[3].replace("\\", "\\\\")
    # What the local warehouse could turn into no bytes: a letter outside ASCII, a quote, a backslash.
    extra = event("kept", note=f'{quoted} of the \\"caf\u00e9\\"')
    values = [
        *(event(f"of-{n}", sender_account_id=account) for n, account in enumerate((*ACCOUNTS[:3], quoted))),
        extra,
        event("other", sender_account_id="x.field.test@okexample"),
        b"\x1f\x8b\x08\x00",
        event("sound"),
    ]
    places = world.send(values)
    world.drain()
    client, settings = world.client, world.settings
    named = {account: [f.place[1:] for f in find(client, settings, account)] for account in ACCOUNTS}
    assert named == {
        **{account: [places[n]] for n, account in enumerate(ACCOUNTS[:3])},
        ACCOUNTS[3]: [places[3], places[4]],
    }
    assert unsearchable(client, settings) == 1
    days = {row["transaction_id"]: row["event_time"].date() for row in world.rows(catalog.TRANSACTIONS)}
    message = [
        label_payment(client, settings, name, days[name], label, by="analyst", reason="the bank").is_written
        for name, label in (("kept", Label.CHARGEBACK), ("sound", Label.CHARGEBACK), ("sound", Label.CHARGEBACK))
    ]
    assert message == [True, True, False]
    assert label_payment(client, settings, "sound", days["sound"], Label.FALSE_ALARM, by="analyst", reason="a slip")
    # As a mapping has hashed it: so the sender of a payment may be called.
    hashed = ids_of(ACCOUNTS[1])["hashed"]
    for subject in (ACCOUNTS[0], hashed, "kept", "shop"):
        who = Subject(ListName.BLOCK, SubjectKind.RECEIVER, subject)
        for length in (1, 30):
            entry = lists.add(client, settings, who, length, by="analyst", reason="reported")
        assert (entry.valid_to - entry.decided_at).days == 30
    assert lists.remove(client, settings, who, by="analyst", reason="a slip").subject == "shop"
    with pytest.raises(lists.NotListed):
        lists.remove(client, settings, who, by="analyst", reason="a slip")
    assert sorted(entry.subject for entry in lists.entries(client, settings)) == sorted((ACCOUNTS[0], hashed, "kept"))
    assert len(lists.entries(client, settings, expired=True)) == 4
    for account in ACCOUNTS:
        assert erase.erase(client, settings, account, erased_by="operator", reason="asked")
        assert find(client, settings, account) == []
    left = {place for place, disposition in world.dispositions().items() if disposition != "ERASED"}
    assert left == set(places[5:])
    for account in ACCOUNTS:
        drop_copies(client, settings, account)
    assert sorted(row["label"] for row in world.rows(catalog.FRAUD_LABELS)) == ["CHARGEBACK", "FALSE_ALARM"]
    assert {row["transaction_id"] for row in world.rows(catalog.FRAUD_LABELS)} == {"sound"}
    assert {row["subject"] for row in world.rows(catalog.FRAUD_LISTS)} == {"kept", "shop"}


def test_a_field_of_any_name_is_promoted_once_and_taken_back(world: World) -> None:
    many = ",".join(f'"a{n:03}":{n}' for n in range(100))
    fields = ('"order":"o-1","select":7', '"note":"1"', '"Note":"2"', f'{many},"zeta":1', '"note2":1e400')
    world.send([event(f"pf-{n}")[:-1] + f",{more}}}".encode() for n, more in enumerate(fields)])
    world.drain()
    client, settings = world.client, world.settings
    listed = unknown_fields(client, settings)
    assert ([field.name for field in listed.described][:2], listed.more) == (["Note", "a000"], 6)
    who = {"promoted_by": "operator", "reason": "asked"}
    for name, type_ in (("order", FieldType.STRING), ("select", FieldType.INT64), ("note2", FieldType.STRING)):
        assert promote(client, settings, name, type_, **who).promoted_as is type_
    assert promote(client, settings, "note", FieldType.INT64, **who).payments == 1
    with pytest.raises(CannotPromote, match="note is a column already"):
        promote(client, settings, "Note", FieldType.INT64, **who)
    take_back(client, settings, "note", taken_back_by="operator", reason="a slip")
    promote(client, settings, "Note", FieldType.INT64, **who)
    promote(client, settings, "zeta", FieldType.INT64, **who)
    rows = {row["transaction_id"]: row for row in world.ask("select * from `{dataset}.payment_transactions_promoted`")}
    assert (rows["pf-0"]["order"], rows["pf-0"]["select"]) == ("o-1", 7)
    assert ("note" in rows["pf-1"], rows["pf-2"]["Note"], rows["pf-3"]["zeta"]) == (False, 2, 1)
    assert rows["pf-4"]["note2"] == "1e400"
    assert len(world.rows(catalog.PROMOTED_FIELDS)) == 7
