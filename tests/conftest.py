"""Options of the test run, and what every test may rely on."""

import pytest

import multicapa as mc


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
