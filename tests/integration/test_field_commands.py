"""Commands on what others' topics hold: accounts of any text, fields of any name. Real broker, Spark and warehouse."""

import pytest

from spark_jobs.erasure import erase
from spark_jobs.erasure.account_search import find, unsearchable
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
    for account in ACCOUNTS:
        assert erase.erase(client, settings, account, erased_by="operator", reason="asked")
        assert find(client, settings, account) == []
    left = {place for place, disposition in world.dispositions().items() if disposition != "ERASED"}
    assert left == set(places[5:])
