"""Who may see ids: nobody by default, and nobody by a word that no trusted proxy has spoken."""

import pytest

from orchestration.dashboard.ids.access import Access, read_access, reader_of
from spark_jobs.settings import SettingError

NAMED = {"PAYMENTS_DASHBOARD_ID_READERS": "anna@example.com, investigators"}
PROXY = "127.0.0.1"
ANNA = {"x-forwarded-email": ["anna@example.com"], "x-forwarded-user": ["7"]}
BEN = {"x-forwarded-email": ["ben@example.com"], "x-forwarded-groups": ["staff,investigators"]}


def test_by_default_nobody_may_whatever_a_request_says() -> None:
    assert read_access({}).readers == frozenset()
    assert reader_of(read_access({}), PROXY, ANNA) is None
    assert reader_of(read_access({"PAYMENTS_DASHBOARD_ID_READERS": " , "}), PROXY, {"x-forwarded-email": [""]}) is None


def test_who_is_named_may_and_so_may_the_members_of_a_named_group() -> None:
    assert reader_of(read_access(NAMED), PROXY, ANNA) == "anna@example.com"
    assert reader_of(read_access(NAMED), PROXY, BEN) == "ben@example.com", "the record names the person, not the group"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-forwarded-email": ["eve@example.com"]},
        {"x-forwarded-email": ["eve@example.com"], "x-forwarded-groups": ["staff"]},
        {"x-forwarded-groups": ["investigators"]},
        {"x-forwarded-email": ["eve@example.com", "anna@example.com"]},
        {"x-forwarded-email": ["eve@example.com"], "x-forwarded-groups": ["staff", "investigators"]},
        {"x-forwarded-email": ["anna@example.com.evil"]},
    ],
    ids=["nobody", "another", "another group", "a group without a name", "two names", "two headers", "a longer name"],
)
def test_nobody_else_may(headers: dict[str, list[str]]) -> None:
    assert reader_of(read_access(NAMED), PROXY, headers) is None


@pytest.mark.parametrize("peer", [None, "10.0.0.7", "127.0.0.2"])
def test_a_header_of_who_is_no_trusted_proxy_counts_for_nothing(peer: str | None) -> None:
    assert reader_of(read_access(NAMED), peer, ANNA) is None


def test_other_proxies_may_be_named_and_only_by_their_addresses() -> None:
    access = read_access(NAMED | {"PAYMENTS_DASHBOARD_PROXIES": "10.0.0.7"})
    assert reader_of(access, "10.0.0.7", ANNA) == "anna@example.com"
    assert reader_of(access, PROXY, ANNA) is None
    with pytest.raises(SettingError, match="PAYMENTS_DASHBOARD_PROXIES must be addresses"):
        read_access({"PAYMENTS_DASHBOARD_PROXIES": "proxy.example.com"})


def test_access_without_proxies_lets_nobody_in() -> None:
    assert reader_of(Access(frozenset({"anna@example.com"})), PROXY, ANNA) is None
