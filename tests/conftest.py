"""Fixtures for every test: made once, never changed."""

from pathlib import Path

import pytest

from tests.tiny import make_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random llama with its tokenizer."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))
