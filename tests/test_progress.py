"""The display of a fit under way: what it says, at any width, and where it stays quiet."""

import re
import sys

import pytest

from helpers import output_of, run_python

FIT = """
import numpy as np
import multicapa as mc
rng = np.random.default_rng(0)
X, y = rng.normal(size=(2000, 20)), rng.integers(0, 3, 2000)
net = mc.Sequential([mc.Dense(50, "relu"), mc.Dense(3, "softmax")], input_shape=(20,), seed=0)
history = net.fit(X, y, epochs=12, validation_data=(X, y), {options})
print("done", *(f"{{history[-1][name]:#.3g}}" for name in ("loss", "val_loss")), len(history))
"""

needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def screens(options, width):
    """What a terminal of this width shows, one text for each time it is drawn anew, and what the program prints."""
    pytest.importorskip("tqdm")
    size = f"import fcntl, struct, termios; fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack('HHHH', 30, {width}, 0, 0))"
    inner = f"{size}\n{FIT.format(options=options)}"
    code = f"import pty, sys; sys.exit(pty.spawn([sys.executable, '-W', 'error', '-c', {inner!r}]))"
    text = output_of(code, TERM="xterm", PYTHONUTF8="1")
    shown = [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    (printed,) = [line for line in shown if line.startswith("done")]
    return [line for line in shown if line is not printed], printed.split()[1:]


@pytest.mark.parametrize("verbose", ["True", "False", "'auto'"])
def test_quiet_outside_a_terminal(verbose):
    done = run_python(FIT.format(options=f"verbose={verbose}"))
    assert done.stdout.startswith("done")
    assert (done.stderr, done.returncode) == ("", 0)


@needs_terminal
@pytest.mark.parametrize("verbose", ["False", "'auto'"])
def test_quiet_when_not_wanted(verbose):
    """With "auto" this fit is too short for a bar."""
    assert screens(f"verbose={verbose}", 80)[0] == []


@needs_terminal
@pytest.mark.parametrize("options", ["", "optimizer='lbfgs', batch_size=None, "])
@pytest.mark.parametrize(
    ("width", "begins", "speed"),
    [(24, "12/12", ""), (40, "12/12  00:0", ""), (60, "12/12 |", "/s"), (80, "epoch 12/12 100% |", "( samples)?/s"),
     (120, "epoch 12/12 100% |", " samples/s")],
)  # fmt: skip
def test_what_it_says(width, begins, speed, options):
    """Epoch, speed, time and losses as far as there is room; no line is broken."""
    shown, (loss, dev, _) = screens(f"{options}verbose=True", width)
    assert max(map(len, shown)) <= width
    last = shown[-1]
    assert last.startswith(begins)
    assert re.search(rf"\d[kM]?{speed}  ", last) or not speed
    if width > 24:
        assert last.endswith(f"train {loss}  dev {dev}")
        assert re.search(r"00:0\d", last)
    if width > 40:
        assert re.search(r"in 00:0\d", last)
        assert "|" in last
        assert all("left" in line for line in shown[:-1])


@needs_terminal
def test_a_fit_that_stops_early_says_where():
    options = "verbose=True, callbacks=[lambda net, epoch: epoch['epoch'] == 5]"
    shown, (*_, epochs) = screens(options, 120)
    assert epochs == "5"
    assert shown[-1].startswith("epoch  5/12  42% |")


def test_the_last_state_stays_in_a_page():
    """In a notebook the bar is text in the page, shown anew each time: exported pages keep the last."""
    code = """
import sys, types
shown = []
class Handle:
    def update(self, data, raw):
        shown[-1] = data["text/plain"]
def display(data, raw, display_id):
    shown.append(data["text/plain"])
    return Handle()
page = types.ModuleType("IPython.display")
page.display = display
import multicapa as mc, numpy as np
for name, module in (("ipykernel.zmqshell", page), ("IPython", types.ModuleType("IPython")), ("IPython.display", page)):
    sys.modules[name] = module
net = mc.Sequential([mc.Dense(1)], input_shape=3, seed=0)
for verbose in (True, "auto", False):
    net.fit(np.eye(3), np.ones(3), epochs=20, verbose=verbose)
print(len(shown), shown[0])
"""
    told = output_of(code)
    assert re.match(r"1 epoch 20/20 100% \|█+\| .*in 00:00 +train [\d.e-]+$", told)
    assert len(told) <= 102


@needs_terminal
def test_metrics_that_are_asked_for_are_shown():
    shown, _ = screens("verbose=True, metrics=['accuracy', 'f1']", 120)
    assert re.search(r"train [\d.]+  dev [\d.]+  accuracy [\d.]+  f1 [\d.]+$", shown[-1])
    assert max(map(len, shown)) <= 120
    narrow, _ = screens("verbose=True, metrics=['accuracy', 'f1']", 60)
    assert "accuracy" not in narrow[-1]  # rather the bar
