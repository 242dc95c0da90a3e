"""Files that lie, and what a save leaves behind: bounded work, clear errors, links and rights kept."""

import itertools
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

import multicapa as mc
from helpers import output_of, run_python


@pytest.fixture
def saved(tmp_path):
    net = mc.Sequential([mc.Dense(3, "tanh"), mc.BatchNorm(), mc.Dense(2)], input_shape=(4,), seed=0)
    path = tmp_path / "net.safetensors"
    net.save(path)
    return net, path


def write(path, layers, tensors=(), dtype="float32"):
    """A file with this description and these (name, type, shape, bytes)."""
    loss = {"name": "squared_error", "parameter": None}
    text = {"format": 1, "dtype": dtype, "seed": 0, "loss": loss, "layers": layers, "metadata": {}}
    header, data = {"__metadata__": {"multicapa": json.dumps(text)}}, b""
    for name, kind, shape, content in tensors:
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    start = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(start)) + start + data)


def chain(width, *layers):
    names = ["input_1", *(f"layer_{i}" for i in range(len(layers)))]
    rest = [{**layer, "name": names[i + 1], "inputs": [names[i]]} for i, layer in enumerate(layers)]
    return [{"type": "input", "name": "input_1", "inputs": [], "shape": [width]}, *rest]


LYING = """
import resource, sys, multicapa as mc
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    mc.load(sys.argv[1])
except ValueError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize("init", ["orthogonal", "glorot_uniform"])
def test_a_description_of_more_than_the_file_holds(tmp_path, init):
    """400 bytes took 2 GB and 20 seconds."""
    path = tmp_path / "lies.safetensors"
    write(path, chain(2500, *[{"type": "dense", "units": 2500, "weight_init": init}] * 3))
    told, megabytes = output_of(LYING, path).splitlines()
    assert "numbers, not 0" in told
    assert float(megabytes) < 50


def test_steps_without_number_take_no_memory(tmp_path):
    """The table of positions is made when there are as many numbers to add it to."""
    layers = [mc.PositionalEncoding(), mc.GlobalAveragePool1D(), mc.Dense(2)]
    mc.Sequential(layers, input_shape=(2**40, 4), seed=0).save(tmp_path / "net")
    assert mc.load(tmp_path / "net").input_shape == (2**40, 4)


def test_loading_draws_no_weights(saved, monkeypatch):
    net, path = saved
    monkeypatch.setattr("multicapa.initializers.initialize", lambda *a: pytest.fail("drawn in vain"))
    np.testing.assert_array_equal(mc.load(path).parameters.flat, net.parameters.flat)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none(saved, tmp_path, value):
    net, _ = saved
    path = tmp_path / "nan.safetensors"
    net.parameters["dense_2.weight"].ravel()[3] = value
    net.save(path)
    with pytest.raises(ValueError, match=r"dense_2\.weight holds NaN or infinity"):
        mc.load(path)
    assert not np.isfinite(mc.load(path, check_finite=False).parameters["dense_2.weight"]).all()


def test_negative_variances(saved, tmp_path):
    net, _ = saved
    path = tmp_path / "negative.safetensors"
    net.state["batch_norm_1.running_variance"][:] = -1
    net.save(path)
    with pytest.raises(ValueError, match="negative"):
        mc.load(path)
    assert mc.load(path, check_finite=False).state["batch_norm_1.running_variance"][0] == -1


@pytest.mark.parametrize("kind", ["F8_E4M3", "F8_E5M2", "BF16"])
def test_types_that_numpy_lacks(tmp_path, kind):
    path = tmp_path / "small.safetensors"
    size = 2 if kind == "BF16" else 1
    write(path, chain(2, {"type": "dense", "units": 2}), [("layer_0.weight", kind, [2, 2], bytes(4 * size))])
    with pytest.raises(ValueError, match=r"small\.safetensors"):
        mc.load(path)


# ---- what is no file ----


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        mc.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        mc.load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is not a file"):
        mc.load(tmp_path / "pipe")


UNREADABLE = """
import os, sys, multicapa as mc
os.chdir(sys.argv[1])
mc.load("open.safetensors")
if os.getuid() == 0: os.setuid(65534)  # root may read everything
try:
    mc.load("net.safetensors")
except PermissionError as error:
    print(error.strerror)
"""


def test_a_file_that_may_not_be_read(saved, tmp_path):
    net, path = saved
    net.save(tmp_path / "open.safetensors")
    path.chmod(0)
    tmp_path.chmod(0o755)
    assert output_of(UNREADABLE, tmp_path) == "Permission denied"


# ---- what a save leaves behind ----


def test_links_and_rights_stay(saved, tmp_path):
    net, path = saved
    link = tmp_path / "link.safetensors"
    link.symlink_to(path.name)
    path.chmod(0o600)
    net.parameters["dense_2.bias"][:] = 7
    net.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert mc.load(path).parameters["dense_2.bias"][0] == 7
    path.chmod(0o644)
    net.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    before = os.umask(0o027)
    try:
        net.save(tmp_path / "new.safetensors")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.safetensors").stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.safetensors", "net.safetensors", "new.safetensors"]


def test_without_nameless_files(saved, tmp_path, monkeypatch):
    net, path = saved
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path.chmod(0o600)
    net.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    np.testing.assert_array_equal(mc.load(path).parameters.flat, net.parameters.flat)


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs files without a name")
def test_kills_while_saving(tmp_path):
    code = """
import sys, multicapa as mc
net = mc.Sequential([mc.Dense(1500), mc.Dense(1500)], input_shape=(1500,), seed=0)
print("ready", flush=True)
while True: net.save(sys.argv[1])
"""
    path = tmp_path / "net.safetensors"
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(mc.__file__))}
    for wait in np.linspace(0.02, 0.2, 6):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=environment, text=True
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    left = [p.name for p in tmp_path.iterdir() if p.name != path.name]
    assert len(left) <= 1, left  # a file gets its name by two calls, and somebody may be killed in between


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs files without a name")
def test_a_kill_in_the_middle_of_a_write(saved, tmp_path):
    """By the system, at the first byte beyond what a file may have: the old one stays, and nothing beside it."""
    net, path = saved
    code = """
import resource, signal, sys, multicapa as mc
net = mc.Sequential([mc.Dense(500)], input_shape=(500,), seed=0)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
net.save(sys.argv[1])
"""
    assert run_python(code, path).returncode == -signal.SIGXFSZ
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    np.testing.assert_array_equal(mc.load(path).parameters.flat, net.parameters.flat)


# ---- a table of layers in time ----


def test_summary_of_a_layer_with_thousands_of_inputs():
    x = mc.Input(1)
    net = mc.Network(x, mc.concat([mc.Activation("tanh")(x) for _ in range(4000)]), seed=0)
    calls = itertools.count()
    sys.setprofile(lambda *_: next(calls))
    try:
        text = net.summary(60)
    finally:
        sys.setprofile(None)
    assert next(calls) < 600 * 4000  # a search of all nodes for each of them would be sixteen million
    assert all(len(line) <= 60 for line in text.splitlines())
    assert text.count("activation_") == 8000
