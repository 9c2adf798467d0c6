"""A protocol whose tasks are whole, or need no more than their answers, after the first call."""

from preceptor.synthesis.protocols.base import Ask, Draft


class OnePass:
    """Asks nothing further about a task; the run itself asks for an answer where it is to."""

    def __init__(self, domain: str = "biomedical") -> None:
        """For tasks of a domain, named by an adjective."""
        self._domain = domain

    def next(self, draft: Draft) -> Ask | None:
        """Nothing."""
        return None

    def absorb(self, draft: Draft, kind: str, text: str, finished: bool) -> Draft:
        """The draft as it was: no reply of its own can come."""
        return draft
