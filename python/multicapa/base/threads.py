"""How many threads the core may use."""

import contextlib
from collections.abc import Iterator

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
