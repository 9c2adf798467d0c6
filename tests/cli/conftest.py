"""Made once for all tests of the command line, and never changed by them."""

from pathlib import Path

import pytest

from tests.cli.recipes import RECIPE, Done, Place
from tests.tiny import make_tiny_model


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The tiny model and its recipe."""
    folder = tmp_path_factory.mktemp("place")
    make_tiny_model(folder / "model", context=8192)
    place = Place(folder)
    place.recipe()
    return place


@pytest.fixture(scope="session")
def uninterrupted(place: Place) -> tuple[Path, Done]:
    """The folder of a run that nothing disturbed, and what the command said."""
    done = place.run("run", RECIPE, "-o", "uninterrupted")
    assert done.code == 0, done.err
    return place.folder / "uninterrupted", done


@pytest.fixture
def finished(uninterrupted: tuple[Path, Done]) -> Path:
    """The folder alone."""
    return uninterrupted[0]
