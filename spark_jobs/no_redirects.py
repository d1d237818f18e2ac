"""A request with a login goes to the address that was set, and to no other.

Belongs here: refusing a redirect. Does not belong here: requests, or what an answer means.
"""

from email.message import Message
from typing import IO
from urllib.request import HTTPRedirectHandler, Request


class NoRedirects(HTTPRedirectHandler):
    """For `build_opener`: a redirect is an HTTPError, as it could carry the login to another host."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str) -> None:
        """None: the answer stands as an error."""
