"""The whole way of one task, from a run's ledger and its artifacts: what ``show`` prints."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from preceptor.errors import ArtifactError
from preceptor.synthesis.ledger import Ledger

MAPPINGS = ("sampling", "verdicts", "flags")


def trace(id: str, ledgers: Sequence[Path]) -> dict[str, Any]:
    """A task's verdicts, record and calls.

    Args:
        id: Of a kept task, of a rejected one (``request-position``), or of a call.
        ledgers: Looked through in order.

    Returns:
        ``id``, ``ledger``, ``verdicts`` (one for each course that judged it), ``record`` (as it was
        kept; None otherwise), ``calls`` (the first, and all that were made about it).

    Raises:
        ArtifactError: No ledger knows it.
    """
    for path in ledgers:
        with Ledger(path) as ledger:
            verdicts = ledger.verdict(id)
            first = ledger.call(verdicts[0]["call"] if verdicts else id.rsplit("-", 1)[0])
            first = first or ledger.call(id)
            if first is None:
                continue
            task = f"{first['id']}-{verdicts[0]['position']}" if verdicts else id
            return {
                "id": id,
                "ledger": str(path),
                "verdicts": verdicts,
                "record": _record(id, path.parent),
                "calls": [first, *ledger.calls_about(task)],
            }
    places = ", ".join(str(path.parent) for path in ledgers)
    raise ArtifactError(f"no synthesis in {places} knows {id!r}; ids stand in instructions.parquet")


def rejected(folder: Path, reason: str, samples: int) -> dict[str, Any]:
    """Rejections of a synthesis by reason, most frequent first, each with some samples.

    Args:
        folder: A published synthesis.
        reason: Only this one; all when empty.
        samples: Of each reason: the first ones.
    """
    groups: dict[str, dict[str, Any]] = {}
    for batch in pq.ParquetFile(folder / "rejections.parquet").iter_batches():
        for row in batch.to_pylist():
            if reason and row["reason"] != reason:
                continue
            group = groups.setdefault(row["reason"], {"count": 0, "samples": []})
            group["count"] += 1
            if len(group["samples"]) < samples:
                group["samples"].append(row)
    return dict(sorted(groups.items(), key=lambda item: -item[1]["count"]))


def _record(id: str, root: Path) -> dict[str, Any] | None:
    """A kept task's row, from the last published synthesis that has it."""
    made = root.glob("synthesis-*/instructions.parquet")
    for path in sorted(made, key=lambda one: one.stat().st_mtime, reverse=True):
        rows = pq.read_table(path, filters=[("id", "==", id)]).to_pylist()
        if rows:
            found: dict[str, Any] = rows[0]
            return found | {name: json.loads(found[name]) for name in MAPPINGS}
    return None
