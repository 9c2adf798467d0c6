"""Where things are kept that can be made again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$PRECEPTOR_CACHE``, else ``$XDG_CACHE_HOME/preceptor``, else ``~/.cache/preceptor``."""
    if own := os.environ.get("PRECEPTOR_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "preceptor"


def rows_folder() -> Path:
    """Prepared rows of data sets, by what they were made from."""
    return cache_folder() / "rows"


def tokens_folder() -> Path:
    """Token ids of texts, by tokenizer."""
    return cache_folder() / "tokens"
