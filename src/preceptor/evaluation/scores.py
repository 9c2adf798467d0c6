"""Scores on disk: Parquet with fixed columns, so that equal scores are equal bytes."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.errors import ArtifactError
from preceptor.records import Score

_TYPES = {
    "options": pa.list_(pa.string()),
    "log_likelihoods": pa.list_(pa.float64()),
    "option_tokens": pa.list_(pa.int64()),
    "value": pa.float64(),
}
SCHEMA = pa.schema(
    [
        pa.field(column.name, _TYPES.get(column.name, pa.string()), nullable=False)
        for column in fields(Score)
    ]
)
"""One column for each field of a ``Score``, in its order."""


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """One row for each score, in the order given."""
    columns = [
        pa.array([getattr(score, column.name) for score in scores], type=column.type)
        for column in SCHEMA
    ]
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), path, compression="zstd")


def read_scores(path: Path) -> list[Score]:
    """The scores of a file that ``write_scores`` wrote, in its order.

    Raises:
        ArtifactError: The file is missing, not Parquet, or has other columns.
    """
    advice = "name the scores.parquet of an evaluation, or delete its folder and evaluate again"
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise ArtifactError(f"{path} is not a file of scores ({reason}); {advice}") from error
    if not table.schema.equals(SCHEMA):
        found = ", ".join(table.schema.names)
        raise ArtifactError(f"{path} has columns other than a score's ({found}); {advice}")
    return [_score(row) for row in table.to_pylist()]


def _score(row: dict[str, Any]) -> Score:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Score(**values)
