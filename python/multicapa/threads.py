"""How many threads the core may use."""

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

from multicapa import _core


def set_num_threads(n: int | None) -> None:
    """Limit the threads of all networks in this process.

    Fewer are used where the work does not repay more. Results do not depend on the number.

    Parameters
    ----------
    n : int or None
        At least 1, or None for what the environment says: ``OMP_NUM_THREADS`` or what threadpoolctl has set, the
        affinity mask of the process, the processor quota of its container.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.set_num_threads(2)
    >>> mc.get_num_threads()
    2
    >>> mc.set_num_threads(None)
    """
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise ValueError(f"the number of threads should be a positive integer or None, not {n!r}")
    _core.set_max_threads(n or 0)


@contextlib.contextmanager
def at_most(n: int | None) -> Iterator[None]:
    """Within it, what the calling thread asks for gets no more threads than n; None sets no limit."""
    before = _core.limit_threads_here(n or 0)
    try:
        yield
    finally:
        _core.limit_threads_here(before)


class _PlainBlas:
    """The limit holds for the whole process, so the first who asks sets it and the last who leaves lifts it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._limit = _blas_libraries().limit(limits=1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._limit.restore_original_limits()


#: A context in which the BLAS libraries of NumPy and SciPy use no threads of their own. For many small calls: on a busy
#: machine their threads wait a time slice for each other at every one.
plain_blas = _PlainBlas()


@functools.cache
def _blas_libraries() -> Any:
    from threadpoolctl import ThreadpoolController  # comes with scikit-learn

    return ThreadpoolController().select(user_api="blas")
