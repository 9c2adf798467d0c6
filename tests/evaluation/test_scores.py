from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.errors import ArtifactError
from preceptor.evaluation.scores import read_scores, write_scores
from preceptor.records import Score
from tests.evaluation import made

TEXT = st.text(max_size=12)
FLOATS = st.floats(allow_nan=False)
SCORES = st.lists(
    st.builds(
        Score,
        *[TEXT] * 10,
        st.lists(TEXT, max_size=3).map(tuple),
        st.lists(FLOATS, max_size=3).map(tuple),
        st.lists(st.integers(0, 2**40), max_size=3).map(tuple),
        TEXT,
        TEXT,
        FLOATS,
    ),
    max_size=5,
)


@settings(deadline=None)
@given(scores=SCORES)
def test_scores_come_back_as_they_were_and_always_as_the_same_bytes(scores: list[Score]) -> None:
    with TemporaryDirectory() as folder:
        one, other = Path(folder, "one.parquet"), Path(folder, "other.parquet")
        write_scores(one, scores)
        assert read_scores(one) == scores
        write_scores(other, read_scores(one))
        assert one.read_bytes() == other.read_bytes()


def test_other_columns_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"example": ["x"], "colour": ["red"]}), path)
    with pytest.raises(ArtifactError, match=r"rows\.parquet has columns .*example, colour.*name"):
        read_scores(path)


def test_numbers_where_texts_should_be_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_scores(path, [made.score("rte", 0, "plain", 1.0)])
    table = pq.read_table(path)
    place = table.schema.get_field_index("output")
    pq.write_table(table.set_column(place, "output", pa.array([3])), path)
    with pytest.raises(ArtifactError, match="columns other than a score's"):
        read_scores(path)


@pytest.mark.parametrize("content", [None, b"not parquet"])
def test_a_file_that_is_missing_or_not_parquet_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "scores.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"scores\.parquet is not a file of scores") as caught:
        read_scores(path)
    assert "\n" not in str(caught.value)
