"""How many threads the core may use."""

from multicapa import _core


def set_num_threads(n: int | None) -> None:
    """Limit the threads of all networks in this process.

    Fewer are used where the work does not repay more. Results do not depend on the number.

    Parameters
    ----------
    n : int or None
        At least 1, or None for what the environment says: ``OMP_NUM_THREADS``, the affinity mask of the process, the
        processor quota of its container.

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
