from pathlib import Path

import pytest

from preceptor.data.library import Library
from preceptor.errors import TaskError
from preceptor.tasks.catalogue import load_tasks
from tests.tasks.examples import RAIN


def test_it_is_the_catalogue_read_piece_by_piece(tmp_path: Path) -> None:
    (tmp_path / "rain.yaml").write_text(RAIN)
    library = Library([tmp_path])
    whole = load_tasks([tmp_path])
    assert list(library) == list(whole)
    assert library["rain"] == whole["rain"]
    assert "rain" in library
    assert "snow" not in library
    assert len(library) == len(whole)


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rte.yaml").write_text(RAIN)
    with pytest.raises(TaskError, match="two files are the task 'rte'"):
        Library([tmp_path])
