"""When something is told: once when it fires, once when it is over, and nothing of what is not known."""

from orchestration.notifications.ledger import MOST_TRIES, QUIET_MINUTES, Firing, Ledger, Message, Waiting, after, tried

OVERDUE, REBUILT = "PaymentsPublicationOverdue", "PaymentsCheckpointRebuilt"
FIRES, QUIET = Firing({OVERDUE: "value is 60"}), Firing({})
CHANNELS = ("webhook", "email")


def sent(looks: list[Firing], channels: tuple[str, ...] = CHANNELS) -> list[tuple[int, str, str, bool]]:
    """Of one look a minute: minute, channel, alert and whether it is over, of each message."""
    ledger, found = Ledger(), []
    for minute, look in enumerate(looks):
        ledger = after(ledger, look, channels, 60 * minute)
        found += [(minute, each.channel, each.message.alert, each.message.is_over) for each in ledger.waiting]
        ledger = Ledger(ledger.firing)
    return found


def test_an_alert_is_told_once_after_its_time_and_once_when_it_is_over() -> None:
    assert sent([FIRES] * 30 + [QUIET] * 30) == [
        (2, "webhook", OVERDUE, False),
        (2, "email", OVERDUE, False),
        (30 + QUIET_MINUTES, "webhook", OVERDUE, True),
        (30 + QUIET_MINUTES, "email", OVERDUE, True),
    ]


def test_what_is_over_before_its_time_is_not_told() -> None:
    assert sent([FIRES, FIRES, QUIET, FIRES, FIRES, QUIET, QUIET, QUIET]) == []


def test_a_value_on_the_edge_is_one_incident() -> None:
    assert len(sent([FIRES] * 5 + [QUIET, FIRES] * 10, ("slack",))) == 1


def test_what_is_not_known_neither_begins_nor_ends_anything() -> None:
    unknown = Firing({}, {OVERDUE})
    assert len(sent([FIRES] * 5 + [unknown] * 30 + [FIRES] * 5, ("slack",))) == 1
    assert sent([unknown] * 30) == []


def test_an_alert_that_comes_again_is_a_new_incident_with_a_key_of_its_own() -> None:
    ledger, keys = Ledger(), []
    for minute, look in enumerate([FIRES] * 4 + [QUIET] * 4 + [FIRES] * 4):
        ledger = after(ledger, look, ("slack",), 60 * minute)
    keys = [each.message.key for each in ledger.waiting]
    assert keys == [f"{OVERDUE}-0-fires", f"{OVERDUE}-0-over", f"{OVERDUE}-480-fires"]


def test_an_alert_without_a_waiting_time_is_told_at_the_first_look() -> None:
    assert sent([Firing({REBUILT: "generation 1"})], ("slack",)) == [(0, "slack", REBUILT, False)]


def test_the_newest_detail_is_told() -> None:
    looks = [Firing({OVERDUE: str(minute)}) for minute in range(3)]
    ledger = Ledger()
    for minute, look in enumerate(looks):
        ledger = after(ledger, look, ("slack",), 60 * minute)
    assert [each.message.detail for each in ledger.waiting] == ["2"]


def test_what_waits_for_a_channel_that_is_no_longer_set_is_dropped() -> None:
    waiting = Waiting("slack", Message("k", OVERDUE, False, "", 0, 0))
    assert after(Ledger({}, (waiting,)), QUIET, ("email",), 0).waiting == ()
    assert after(Ledger({}, (waiting,)), QUIET, ("slack",), 0).waiting == (waiting,)


def test_a_message_is_tried_a_bounded_number_of_times() -> None:
    waiting: Waiting | None = Waiting("slack", Message("k", OVERDUE, False, "", 0, 0))
    tries = 0
    while waiting:
        tries += 1
        waiting = tried(waiting)
    assert tries == MOST_TRIES
