"""Fixtures for every test: made once, never changed."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.tiny import make_tiny_model

# Tests never time anything: a slow machine must not fail them.
settings.register_profile("preceptor", deadline=None)
settings.load_profile("preceptor")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random llama with its tokenizer."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))
