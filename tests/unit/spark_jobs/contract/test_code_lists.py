"""The lists of codes as a value: what is written down is what is read back, and equal lists are equal texts."""

from spark_jobs.contract.code_lists import CodeLists, lists_of_now
from spark_jobs.contract.payment_event import UnreadableLabels


def test_lists_that_are_written_down_are_read_back() -> None:
    now = lists_of_now()
    again = CodeLists.from_json(now.to_json())
    assert again.to_json() == now.to_json()
    assert again.minor_units == now.minor_units
    assert again.periods == now.periods
    assert {field: again.of(field) for field in ("currency", *again.values)} == {
        field: tuple(sorted(now.of(field))) for field in ("currency", *now.values)
    }


def test_the_order_of_codes_changes_nothing() -> None:
    one = CodeLists({"EUR": 2, "JPY": 0}, {"country": ("DE", "JP")})
    other = CodeLists({"JPY": 0, "EUR": 2}, {"country": ("JP", "DE")})
    assert one.to_json() == other.to_json()


def test_lists_that_were_kept_before_periods_keep_their_text() -> None:
    kept = '{"minor_units": {"EUR": 2, "JPY": 0}, "values": {"country": ["DE", "JP"]}}'
    assert CodeLists.from_json(kept).to_json() == kept
    assert not CodeLists.from_json(kept).periods


def test_the_setting_for_labels_is_part_of_the_lists_and_lists_of_before_it_held_payments_back() -> None:
    texts = {setting: lists_of_now(setting).to_json() for setting in UnreadableLabels}
    assert len(set(texts.values())) == len(texts)
    assert {CodeLists.from_json(text).unreadable_labels for text in texts.values()} == set(UnreadableLabels)
    assert CodeLists.from_json('{"minor_units": {}, "values": {}}').unreadable_labels == UnreadableLabels.HOLD
