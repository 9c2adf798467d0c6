"""Writes to the ledger from an event loop: those that come while one is under way go together."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.ledger_entries import Entry


class Commits:
    """Writes entries in their order, in a thread, as few transactions as the disk makes of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[tuple[Entry, asyncio.Future[None] | None]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._running: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> None:
        """Write an entry; it is on the disk when this returns.

        Raises:
            StorageError: The disk is full.
            ArtifactError: The ledger is damaged.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        self._start()
        await done

    def later(self, entry: Entry) -> None:
        """Write an entry with the next that is waited for."""
        self._waiting.append((entry, None))

    async def flush(self) -> None:
        """Write all that waits."""
        while self._waiting or self._running is not None:
            self._start()
            if self._running is not None:
                await asyncio.shield(self._running)

    def close(self) -> None:
        """Write what still waits, and end the thread."""
        self._thread.shutdown()
        waiting, self._waiting = self._waiting, []
        self._ledger.write([entry for entry, _ in waiting])

    def _start(self) -> None:
        if self._running is None and self._waiting:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                futures = [future for _, future in batch if future is not None]
                try:
                    await loop.run_in_executor(
                        self._thread, self._ledger.write, [entry for entry, _ in batch]
                    )
                except Exception as error:
                    for future in futures:
                        if not future.done():
                            future.set_exception(error)
                    if not futures:
                        raise
                else:
                    for future in futures:
                        if not future.done():
                            future.set_result(None)
        finally:
            self._running = None
