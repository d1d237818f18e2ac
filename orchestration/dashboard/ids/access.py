"""Who may see ids: nobody, unless a setting names readers. Who a reader is, a trusted proxy says.

Belongs here: the settings, and the judgement of a request. Does not belong here: logins, which are the proxy's, and the
record of views (views).
"""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spark_jobs.settings import SettingError

NAMES = ("x-forwarded-email", "x-forwarded-user")
"""The first that is there names the reader."""
GROUPS = "x-forwarded-groups"
DEFAULT_PROXIES = "127.0.0.1,::1"


@dataclass(frozen=True, slots=True)
class Access:
    """`readers` are names of persons or of groups; `proxies` the addresses whose word on who somebody is counts."""

    readers: frozenset[str] = frozenset()
    proxies: frozenset[str] = frozenset()


NOBODY = Access()


def read_access(env: Mapping[str, str] | None = None) -> Access:
    """The settings.

    Raises:
        SettingError: a proxy is no address.
    """
    env = os.environ if env is None else env
    readers = _listed(env.get("PAYMENTS_DASHBOARD_ID_READERS") or "")
    proxies = _listed(env.get("PAYMENTS_DASHBOARD_PROXIES") or DEFAULT_PROXIES)
    for each in proxies:
        try:
            ipaddress.ip_address(each)
        except ValueError:
            raise SettingError(
                f"PAYMENTS_DASHBOARD_PROXIES must be addresses, such as 127.0.0.1, not {each!r}."
            ) from None
    return Access(readers, proxies)


def _listed(text: str) -> frozenset[str]:
    return frozenset(filter(None, (each.strip() for each in text.split(","))))


def reader_of(access: Access, peer: str | None, headers: Mapping[str, Sequence[str]]) -> str | None:
    """The name of the reader that may see ids; None for everybody else.

    Args:
        access: who may.
        peer: the address at the other end of the connection.
        headers: all values of each header, by its name in small letters.
    """
    if not access.readers or peer not in access.proxies:
        return None
    # A proxy sets each once. A second value is one that a client has slipped past it.
    if any(len(headers.get(name, ())) > 1 for name in (*NAMES, GROUPS)):
        return None
    given = [headers[name][0].strip() for name in NAMES if headers.get(name)]
    # A group alone has nobody whose view could be put on record.
    name = next(filter(None, given), None)
    if name is None:
        return None
    groups = _listed((headers.get(GROUPS) or [""])[0])
    return name if access.readers & {*given, *groups} else None
