"""Work that is killed at random moments; run in a process of its own, which forks what it kills."""

import os
import random
import signal
import time
from pathlib import Path


def killed(work, watched, kills, seed):
    """Run ``work`` in child processes until one gets through; of the first so many each is killed at a random moment.

    That is after 0 to 7 new versions of the watched file, and somewhere within the next. How many kills there were.
    """
    rng, path = random.Random(seed), Path(watched)
    for count in range(kills + 1):
        seen, left = version(path), rng.randint(0, 7)
        child = os.fork()
        if child == 0:
            try:
                work()
                os._exit(0)
            except BaseException as error:
                print(f"{error!r}", flush=True)
                os._exit(1)
        start = time.perf_counter()
        while count < kills and not exited(child):
            if version(path) != seen:
                seen, left = version(path), left - 1
                start = time.perf_counter()
            elif left < 0 or (left == 0 and time.perf_counter() - start > rng.uniform(0, 0.02)):
                os.kill(child, signal.SIGKILL)
                break
            time.sleep(0.0005)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return count
    raise AssertionError("the last one was not to be killed")


def version(path):
    """Changes with each new version of a file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def exited(child):
    """Whether it has ended, which is left to be asked for again."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
