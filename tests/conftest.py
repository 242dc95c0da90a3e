"""Options of the test run, and what every test may rely on."""

import os
import signal
import sys

import pytest

import multicapa as mc


def pytest_configure(config):
    """Ctrl-C is tested, also where the run was started in a way that ignores it, as shells do in the background.

    PyTorch gets one thread: several spin while they wait, and beside another busy process its tiny networks take fifty
    times as long.
    """
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="takes minutes; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _default_threads():
    """A test may limit the threads; the next one starts from what the environment says."""
    yield
    mc.set_num_threads(None)


@pytest.fixture(autouse=True)
def _no_open_figures():
    """pyplot keeps the figures of all tests of a process, and warns of the twenty-first."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
