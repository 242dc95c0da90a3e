"""Every instruction set of the machine gives right results, and its object file exports nothing it should not."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import multicapa as mc
from helpers import ROOT, output_of, run_python

CHOSEN = ("test_values.py", "test_threads.py", "test_few_rows.py")
COMPILER = shutil.which(os.environ.get("CXX", "g++"))
X86 = platform.machine() in ("x86_64", "AMD64")
KERNELS = ROOT / "cpp" / "kernels"
VECTOR_BYTES = {"v2": 16, "v3": 32, "v4": 64}
# Each object file of the kernels, as source and instruction set, and the one name that it exports.
EXPORTS = {(source, isa): f"multicapa::{source.stem}_tables_{isa}"
           for source in sorted((KERNELS / "isa").glob("*.cpp")) for isa in VECTOR_BYTES}  # fmt: skip
EXPORTS[KERNELS / "products" / "amx.cpp", "amx"] = "multicapa::amx_product"  # v4 with the tiles' products beside it
LISTED = [pytest.param(source, isa, level, id=f"{source.stem}-{isa}-{level}",
                       marks=[pytest.mark.slow] if level == "-O3" or isa in ("v2", "v3") else [])
          for source, isa in EXPORTS for level in ("-O0", "-O3")]  # fmt: skip


@pytest.mark.skipif(bool(os.environ.get("MULTICAPA_ISA")), reason="this run is of one instruction set already")
@pytest.mark.parametrize("isa", mc._core.available_isas())
def test_chosen_tests_pass(isa):
    if isa == mc._core.isa():
        pytest.skip("the set of this very run")
    tests = Path(__file__).resolve().parent
    code = (
        "import sys, pytest, multicapa as mc; assert mc._core.isa() == sys.argv[1]; sys.exit(pytest.main(sys.argv[2:]))"
    )
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", ROOT, "-c", ROOT / "pyproject.toml"]
    files = [tests / name for name in CHOSEN]
    done = run_python(code, isa, *options, *files, timeout=300, MULTICAPA_ISA=isa)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\d\d+ passed", done.stdout)


@pytest.mark.parametrize("isa", mc._core.available_isas())
def test_environment_chooses(isa):
    assert output_of("import multicapa as mc; print(mc._core.isa())", MULTICAPA_ISA=isa) == isa


def test_best_is_the_default():
    """An empty value counts as none."""
    assert output_of("import multicapa as mc; print(mc._core.isa())", MULTICAPA_ISA="") == mc._core.available_isas()[0]


@pytest.mark.parametrize("wrong", ["v9", "avx2", "V3"])
def test_unknown_instruction_set(wrong):
    """A clear error while importing: what was asked for and what there is."""
    done = run_python("import multicapa", MULTICAPA_ISA=wrong)
    assert done.returncode == 1, (done.returncode, done.stderr)
    last = done.stderr.strip().splitlines()[-1]
    assert re.match(r"(ImportError|RuntimeError)", last)
    for part in ("MULTICAPA_ISA", wrong, *mc._core.available_isas()):
        assert part in last


def flags_of(isa):
    text = (KERNELS / "CMakeLists.txt").read_text()
    for flag in ("-O3", "-fopenmp-simd", "-fno-exceptions", "-march=x86-64-${isa}", "MULTICAPA_ISA=${isa}"):
        assert flag in text, f"the kernels are no longer compiled with {flag}; change this test too"
    common = ["-std=c++20", "-fPIC", "-fvisibility=hidden", "-fno-exceptions", "-fopenmp-simd", "-ffp-contract=fast",
              "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi", f"-I{ROOT / 'cpp'}"]  # fmt: skip
    if isa == "amx":
        return ["-march=x86-64-v4", *common]
    return [f"-march=x86-64-{isa}", f"-DMULTICAPA_ISA={isa}", f"-DMULTICAPA_VECTOR_BYTES={VECTOR_BYTES[isa]}", *common]


@pytest.mark.skipif(not COMPILER or not shutil.which("nm"), reason="needs a C++ compiler and nm")
@pytest.mark.skipif(not X86, reason="the flags are those of x86-64")
@pytest.mark.skipif(sys.platform == "win32", reason="needs ELF or Mach-O objects")
@pytest.mark.parametrize(("source", "isa", "level"), LISTED)
def test_no_shared_symbols(source, isa, level, tmp_path):
    """A weak or unique symbol could be kept from the wrong object by the linker, and crash an older processor.

    At -O0 nothing is inlined, so anything that could be shared shows, in one set as in the others, since they have
    one source: v4, which machines without it never compile otherwise. -O3 is what is shipped.
    """
    if isa == "amx" and "amx" not in mc._core.available_isas():
        pytest.skip("the assembler may not know the tiles' instructions")
    made = tmp_path / "kernels.o"
    subprocess.run([COMPILER, level, *flags_of(isa), "-c", str(source), "-o", str(made)], check=True, timeout=300)
    listing = subprocess.run(["nm", "-C", str(made)], check=True, capture_output=True, text=True).stdout
    symbols = re.findall(r"^[0-9a-f ]* ([A-Za-z]) (.*)$", listing, re.MULTILINE)
    assert len(symbols) > 10
    shared = [line for line in symbols if line[0] in "WVuw"]
    assert not shared, f"{len(shared)} shared symbols, such as {shared[:3]}"
    exported = [line for line in symbols if line[0].isupper() and line[0] != "U"]
    assert [name for _, name in exported] == [EXPORTS[source, isa]], exported
    assert exported[0][0] in "RDB"


def test_every_instruction_set_has_its_objects():
    assert set(mc._core.available_isas()) <= {isa for _, isa in EXPORTS} | {"baseline"}
