"""The core with a BLAS of its own that starts no threads, and the BLAS libraries of others kept from theirs."""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


# The core asks its OpenBLAS for products on one thread. Left alone, that library would start one for each processor as
# it is loaded, and they would spin for a tenth of a second in the way of whatever comes next.
with _environment("OPENBLAS_NUM_THREADS", "1"):
    from multicapa import _core  # noqa: F401 - loaded here before anybody else asks for it


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
