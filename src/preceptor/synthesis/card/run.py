"""What a synthesis took: read from its artifact, as far as the artifact says it.

Columns are looked for and not assumed, so that the artifacts of every version of the stage can be
read; what a version did not write is left out of the card.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor import draws
from preceptor.artifact import MANIFEST, read_json
from preceptor.errors import ArtifactError

INSTRUCTIONS, REJECTIONS, REQUESTS = (
    f"{name}.parquet" for name in ("instructions", "rejections", "requests")
)
_REQUEST = ("kind", "prompt_tokens", "reply_tokens", "cost", "why")
_REJECTED = ("reason", "detail", "instruction", "input", "output")
SAMPLES = 3
"""Rejections shown for each reason."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A task that was not kept."""

    reason: str
    detail: str
    instruction: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked, kept and dropped, and what it cost. None where the artifact does not say."""

    key: str
    teachers: tuple[str, ...]
    kept: int
    rejected: dict[str, int]
    """By reason."""
    samples: tuple[Rejected, ...]
    calls: dict[str, int]
    """By kind; all under one name where the artifact tells none apart."""
    unanswered: int
    """Calls without a reply."""
    prompt_tokens: float | None
    reply_tokens: float | None
    dollars: float | None

    @property
    def found(self) -> int:
        """Tasks that were judged."""
        return self.kept + sum(self.rejected.values())


def read_run(folder: Path, seed: int = 0) -> Run:
    """A synthesis' folder.

    Args:
        folder: With ``manifest.json``, ``instructions.parquet`` and ``rejections.parquet``.
        seed: Of the draw of the rejections that are shown.

    Raises:
        ArtifactError: It is no folder of a synthesis.
    """
    manifest = _manifest(folder)
    kept = _columns(folder / INSTRUCTIONS, ("teacher",))
    reasons = [str(row.get("reason", "")) for row in _columns(folder / REJECTIONS, ("reason",))]
    requests = _columns(folder / REQUESTS, _REQUEST)
    return Run(
        key=str(manifest.get("key", "")),
        teachers=tuple(sorted({str(row["teacher"]) for row in kept if row.get("teacher")})),
        kept=len(kept),
        rejected=_ranked(reasons),
        samples=tuple(_samples(folder / REJECTIONS, reasons, seed)),
        calls=_ranked([str(row.get("kind") or "request") for row in requests]),
        unanswered=sum(bool(row.get("why")) for row in requests),
        prompt_tokens=_total(requests, "prompt_tokens"),
        reply_tokens=_total(requests, "reply_tokens"),
        dollars=_total(requests, "cost"),
    )


def _manifest(folder: Path) -> Mapping[str, Any]:
    try:
        manifest = read_json(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{folder} has no {MANIFEST} that can be read ({error}); name the folder of a synthesis"
        ) from error
    if not isinstance(manifest, dict):
        raise ArtifactError(f"{folder / MANIFEST} is no JSON object; make the synthesis again")
    return manifest


def _columns(path: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a file with those of the columns that it has."""
    try:
        with pq.ParquetFile(path) as file:
            there = [name for name in names if name in file.schema_arrow.names]
            if not there:
                return [{}] * int(file.metadata.num_rows)
            rows: list[dict[str, Any]] = file.read(columns=there).to_pylist()
            return rows
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        raise ArtifactError(
            f"{path} cannot be read ({said}); name the folder of a whole synthesis"
        ) from error


def _total(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The sum of a column; None where no row has it."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return sum(values) if values else None


def _samples(path: Path, reasons: Sequence[str], seed: int) -> Iterator[Rejected]:
    """A few of each reason, drawn; the most frequent reason first, then as they were judged."""
    places: dict[str, list[int]] = {}
    for place, reason in enumerate(reasons):
        places.setdefault(reason, []).append(place)
    wanted = [
        those[drawn]
        for reason in _ranked(reasons)
        for those in [places[reason]]
        for drawn in sorted(draws.sample(len(those), SAMPLES, seed, "rejections", reason))
    ]
    rows = _rows_at(path, set(wanted))
    for place in wanted:
        yield Rejected(**{name: str(rows[place].get(name) or "") for name in _REJECTED})


def _rows_at(path: Path, places: set[int]) -> dict[int, dict[str, Any]]:
    """Some rows of a file that may be too large to hold."""
    found: dict[int, dict[str, Any]] = {}
    with pq.ParquetFile(path) as file:
        columns = [name for name in _REJECTED if name in file.schema_arrow.names]
        first = 0
        for batch in file.iter_batches(columns=columns):
            for place in places & set(range(first, first + batch.num_rows)):
                found[place] = batch.slice(place - first, 1).to_pylist()[0]
            first += batch.num_rows
    return found


def _ranked(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))
