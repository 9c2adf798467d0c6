"""Work done in processes of its own, its results in order.

Processes are forked: they start in milliseconds with all that is loaded (tasks, rows on disk, the
tokenizer), and hand back results. What is done must be a function of the item alone, so that their
number changes nothing. Where forking is not safe (outside Linux) the work is done here.
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from preceptor.errors import StageError

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST = 8
"""Processes at most: beyond, the one that writes is what the others wait for."""
AHEAD = 2
"""Results a process that may wait for their turn."""
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

_work: Callable[[Any], Any]


def cores() -> int:
    """Processes worth starting: the cores that this one may use."""
    if sys.platform != "linux":
        return 1
    return min(len(os.sched_getaffinity(0)), MOST)


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Iterator[Result]:
    """``work`` of each item, in the order of the items; a few are worked on ahead.

    Args:
        work: A function of the item; results and errors are pickled.
        items: Small, they are pickled too.
        processes: With fewer than two the work is done here.

    Raises:
        StageError: A process was ended from outside.
    """
    if processes < 2:
        yield from map(work, items)
        return
    global _work
    _work = work  # found by the processes that are forked now
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _begin)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(_run, item))
            if len(waiting) > AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise StageError(
            "a worker process was ended from outside, perhaps for want of memory; run it again"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """In a new process: end with the one that began it, and leave Ctrl-C to that one."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads were not forked
    gc.freeze()


def _run(item: Any) -> Any:
    return _work(item)
