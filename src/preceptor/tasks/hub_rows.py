"""Rows of a split on the Hugging Face hub, one after another, through the package ``datasets``."""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from preceptor.errors import RowError
from preceptor.tasks.task import Source

CONVERSION = "refs/convert/parquet"
"""The hub's own copy of a data set as Parquet files."""
BY_HAND = "put the files below the data root yourself (preceptor tasks show NAME says where)"


class HubUnreachable(RowError):
    """Nobody answers: no network, or no hub."""


class HubRows:
    """The rows of one split; iterated over once."""

    def __init__(self, source: Source, split: str, streamed: bool) -> None:
        """``streamed``: row by row from the network, else by way of the cache of ``datasets``."""
        self.source, self.split, self.streamed = source, split, streamed
        self.partial = False
        """The hub converts the head of a large split only (5 GB), and that is what was read."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows in the order of the file.

        Raises:
            HubUnreachable: There is no network.
            RowError: ``datasets`` is not installed, or the rows cannot be had.
        """
        if importlib.util.find_spec("datasets") is None:
            raise RowError(
                "fetching rows needs the package datasets: pip install 'preceptor[hub]'; or "
                + BY_HAND
            )
        try:
            with _quiet():
                yield from self._loaded()
        except Exception as error:  # whatever the hub, the network or a data set's files bring
            said = " ".join(str(error).split())[:300]
            kind = HubUnreachable if _unreachable(error) else RowError
            raise kind(
                f"{self.source.hub} cannot be fetched ({type(error).__name__}: {said}). "
                f"Try again when the hub can be reached, or {BY_HAND}"
            ) from error

    def _loaded(self) -> Any:
        import datasets

        source = self.source
        if source.revision == CONVERSION:
            return self._converted()
        return datasets.load_dataset(
            source.hub,
            source.config or None,
            revision=source.revision or None,
            split=self.split,
            streaming=self.streamed,
        )

    def _converted(self) -> Any:
        """The conversion has no loading script and no card: its files are named directly."""
        try:
            return self._files(self.split)
        except FileNotFoundError:
            found = self._files(f"partial-{self.split}")
            self.partial = True
            return found

    def _files(self, folder: str) -> Any:
        import datasets

        where = f"hf://datasets/{self.source.hub}@{CONVERSION}/{self.source.config or 'default'}"
        return datasets.load_dataset(
            "parquet",
            data_files={self.split: f"{where}/{folder}/*.parquet"},
            split=self.split,
            streaming=self.streamed,
        )


def _unreachable(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says so. Each HTTP library has its own."""
    while error is not None:
        if isinstance(error, ConnectionError) or type(error).__name__.startswith("Connect"):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the bars of ``datasets``, which would be drawn over ours, and without a line for
    every retry."""
    import datasets
    from huggingface_hub.utils import logging as hub_logging

    shown, verbosity = datasets.is_progress_bar_enabled(), hub_logging.get_verbosity()
    datasets.disable_progress_bars()
    hub_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        hub_logging.set_verbosity(verbosity)
        if shown:
            datasets.enable_progress_bars()


def commit(source: Source) -> str:
    """The commit that a task's revision stands for now; empty when the hub does not say."""
    if source.revision != CONVERSION:
        return source.revision
    try:
        from huggingface_hub import HfApi

        found = HfApi().dataset_info(source.hub, revision=source.revision).sha
    except Exception:  # the rows are here already: not to know their commit is no reason to fail
        return ""
    return found or ""
