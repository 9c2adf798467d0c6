"""What becomes of records that cannot be used: the first stops the work, or all are counted."""

from collections import Counter
from typing import Any

from preceptor.errors import RowError


class Tally:
    """Counts of one reading or writing; nothing is dropped without standing here."""

    def __init__(self, skip: bool = False) -> None:
        """``skip``: leave bad records out and count them, instead of stopping at the first."""
        self.skip = skip
        self.records = 0
        """Good ones."""
        self.skipped: Counter[str] = Counter()
        """Reason to how many records were left out for it."""
        self.notes: Counter[str] = Counter()
        """What was changed or left behind of records that were kept, to how often."""
        self._first: dict[str, str] = {}

    def refuse(self, where: str, reason: str) -> None:
        """A record that cannot be used.

        Raises:
            RowError: Bad records are not to be skipped.
        """
        if not self.skip:
            raise RowError(
                f"{where}: {reason}; correct it, or leave such records out with --on-error skip"
            )
        self._first.setdefault(reason, where)
        self.skipped[reason] += 1

    def to_json(self) -> dict[str, Any]:
        """The counts for machines."""
        return {
            "records": self.records,
            "skipped": sum(self.skipped.values()),
            "skipped_because": [
                {"reason": reason, "records": n, "first": self._first[reason]}
                for reason, n in self.skipped.most_common()
            ],
            "notes": dict(self.notes.most_common()),
        }

    def lines(self) -> list[str]:
        """The counts for people; nothing where there is nothing to say."""
        return [
            *(
                f"left out {n:,}: {reason} (first: {self._first[reason]})"
                for reason, n in self.skipped.most_common()
            ),
            *(f"{note}: {n:,}" for note, n in self.notes.most_common()),
        ]
