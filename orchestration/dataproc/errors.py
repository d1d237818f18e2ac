"""How a run at Dataproc goes wrong. Belongs here: the exceptions, and nothing that raises them."""


class DataprocFailed(Exception):
    """The run at Dataproc failed, or was refused. The message is one line; Dataproc's own words are beside it."""

    def __init__(self, message: str, words: str = "", page: str = "", log: str = "") -> None:
        super().__init__(message)
        self.words, self.page, self.log = words, page, log


class DataprocUnreachable(Exception):
    """Dataproc did not answer for long: what became of the run is not known. Asking again finds it."""
