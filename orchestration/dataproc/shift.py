"""One run of the job at Dataproc, from handing it over to its end: waiting, unknown outcomes, cancelling.

Belongs here: the order of things, and the one line that a failure is. Does not belong here: what the services' answers
mean (services).
"""

import time
from collections.abc import Callable
from contextlib import suppress

from orchestration.dataproc.errors import DataprocFailed, DataprocUnreachable
from orchestration.dataproc.request import Submission
from orchestration.dataproc.services import Seen, Service, State

POLL_SECONDS = 5.0
PATIENCE_SECONDS = 300.0
"""How long Dataproc may be away; what it runs goes on meanwhile."""

type Say = Callable[[str], None]


def run_shift(
    service: Service,
    submission: Submission,
    say: Say,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Hand the run over, unless it is there already, and wait for its end.

    Whatever interrupts the wait from outside, such as Dagster's own cancelling, cancels the run there.

    Raises:
        DataprocFailed: it ended otherwise than well, took longer than it may, or was refused.
        DataprocUnreachable: nobody can say.
    """
    asking = _Asking(service, submission, say, clock, sleep)
    try:
        return asking.until_the_end()
    except Exception:
        raise
    except BaseException:
        asking.cancel("this run is cancelled")
        raise


class _Asking:
    """Requests for one run, each sent again while Dataproc is away for no longer than it may be."""

    def __init__(
        self,
        service: Service,
        submission: Submission,
        say: Say,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.service, self.submission, self.say, self.clock, self.sleep = service, submission, say, clock, sleep
        self.name = f"{service.what} {submission.name}"

    def until_the_end(self) -> Seen:
        seen = self._again(self._there)
        self.say(f"{self.name} is at Dataproc: {seen.page}")
        deadline = self.clock() + self.submission.limit_seconds
        called = ""
        while seen.state is State.UNDER_WAY:
            if seen.called != called:
                called = seen.called
                self.say(f"{self.name} is {called}")
            if self.clock() >= deadline:
                self.cancel(f"it has taken {self.submission.limit_seconds} s")
                raise self._failed(seen, f"was cancelled: it took longer than {self.submission.limit_seconds} s")
            self.sleep(POLL_SECONDS)
            seen = self._again(self._found)
        if seen.state is State.FAILED:
            raise self._failed(seen, f"ended as {seen.called}")
        return seen

    def cancel(self, why: str) -> None:
        """Once: who is interrupted has no time to wait."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        self.say(f"{self.name} is told to end: {why}")
        with suppress(GoogleAPIError, GoogleAuthError, OSError):
            self.service.cancel(self.submission.name)

    def _there(self) -> Seen:
        """As it stands, handed over if need be: a lost answer is read back under the same name."""
        from google.api_core.exceptions import Conflict

        if (seen := self.service.find(self.submission.name)) is None:
            with suppress(Conflict):
                self.service.submit(self.submission)
            seen = self._found()
        return seen

    def _found(self) -> Seen:
        seen = self.service.find(self.submission.name)
        if seen is None:
            raise DataprocFailed(f"{self.name} is gone: somebody deleted it. The next run goes on where it ended.")
        return seen

    def _again(self, ask: Callable[[], Seen]) -> Seen:
        from google.api_core.exceptions import ClientError, GoogleAPIError, TooManyRequests
        from google.auth.exceptions import GoogleAuthError

        since = self.clock()
        while True:
            try:
                return ask()
            except ClientError as refused:
                # One that says that there were too many requests is no refusal.
                if not isinstance(refused, TooManyRequests):
                    raise self._refused(refused.code or 0, str(refused)) from None
            except (GoogleAPIError, GoogleAuthError, OSError) as away:
                if self.clock() - since >= PATIENCE_SECONDS:
                    raise DataprocUnreachable(
                        f"Dataproc has not answered for {PATIENCE_SECONDS:.0f} s: {self.name} may go on by itself."
                    ) from away
            self.sleep(POLL_SECONDS)

    def _failed(self, seen: Seen, how: str) -> DataprocFailed:
        log = f"; its driver's log is {seen.log}*" if seen.log else ""
        return DataprocFailed(f"{self.name} {how}: {seen.page}{log}", seen.words, seen.page, seen.log)

    def _refused(self, code: int, words: str) -> DataprocFailed:
        why = {
            401: "the account is not known: bind this process to a service account",
            403: "a role is missing: apply deploy/terraform with dataproc = true",
            404: "there is no such project, region or cluster: mend PAYMENTS_DATAPROC_...",
        }.get(code, "the settings PAYMENTS_DATAPROC_... do not go together; Dataproc's words are beside this line")
        return DataprocFailed(f"Dataproc refuses {self.name} (HTTP {code}): {why}.", words)
