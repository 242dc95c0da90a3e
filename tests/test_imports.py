"""Imports run one way, and what has one home stays there. The tables below are the rule."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import multicapa
from helpers import ROOT, output_of

# Each folder of cpp/ may include itself and those before it; single files may stand lower than their folder.
CPP_ORDER = ("base", "kernels", "layers", "network", "training", "bindings")
CPP_LEAVES = {"network/spec.hpp": "base", "network/spec.cpp": "base"}  # they stand with the folder named

# The floors of python/multicapa: a room may import those below its own, wherever the import stands.
PYTHON_FLOORS = (
    {"_core"},
    {"base"},
    {"augment", "initializers", "layers", "losses", "optimizers", "schedules"},
    {"network"},
    {"training"},
    {"callbacks", "model"},
    {"data", "estimators", "networks", "plots"},
    {"cli"},
    {"__main__"},
)

# What may stand in one file only, and where. None: anywhere in the folder.
HOMES = {
    r"#pragma omp parallel": ("base", 1),
    r"#include [<\"]cblas\.h[>\"]": ("kernels", 1),
    r"#include [<\"]pybind11/": ("bindings", None),
    r"#include [<\"]omp\.h[>\"]": ("base", 1),
}


def cpp_files(root):
    return [path for path in sorted(root.rglob("*")) if path.suffix in (".hpp", ".cpp", ".inl", ".h")]


def cpp_arrows_back(root):
    """Includes that run against CPP_ORDER, as readable lines."""
    wrong = []
    for path in cpp_files(root):
        name = path.relative_to(root).as_posix()
        for included in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE):
            folder, target = CPP_LEAVES.get(name, name.split("/")[0]), CPP_LEAVES.get(included, included.split("/")[0])
            for part in (folder, target):
                if part not in CPP_ORDER:
                    wrong.append(f"{name}: {part} has no place in CPP_ORDER")
                    break
            else:
                if CPP_ORDER.index(target) > CPP_ORDER.index(folder):
                    wrong.append(f"{name} includes {included}")
    return wrong


def modules_of(root, package):
    """The files of the package by the names of their modules."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join((package, *(parts[:-1] if parts[-1] == "__init__" else parts)))] = path
    return found


def python_imports(path, package, modules):
    """Modules of the package that a file imports: at its top, within functions and for type checkers alike."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith(package + "."))
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports are not used here"
            if node.module and f"{node.module}.".startswith(package + "."):
                names = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
                inside = {full for full in names.values() if full in modules or full == f"{package}._core"}
                found |= inside
                if node.module != package and len(inside) < len(names):
                    found.add(node.module)
                elif node.module == package:
                    found |= {full for name, full in names.items() if full not in inside and name != "__version__"}
    return found


def rooms_that_climb(root, package="multicapa"):
    """Imports that run against PYTHON_FLOORS, as readable lines."""
    floor = {room: row for row, rooms in enumerate(PYTHON_FLOORS) for room in rooms}
    modules, wrong = modules_of(root, package), []
    for name, path in modules.items():
        if name == package:
            continue  # it stands above all
        room = name.split(".")[1]
        if room not in floor:
            wrong.append(f"{room} has no floor")
            continue
        for target in sorted({imported.split(".")[1] for imported in python_imports(path, package, modules)} - {room}):
            if target not in floor:
                wrong.append(f"{room} imports {target}, which has no floor")
            elif floor[target] >= floor[room]:
                wrong.append(f"{room} imports {target}")
    return sorted(set(wrong))


def circles(root, package="multicapa"):
    """Files that know each other, directly or through others, as readable lines."""
    modules = modules_of(root, package)
    graph = {name: python_imports(path, package, modules) & modules.keys() for name, path in modules.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def astray(root):
    """What stands outside its home, or in more files than it may."""
    wrong = []
    for pattern, (home, most) in HOMES.items():
        found = [p.relative_to(root).as_posix() for p in cpp_files(root) if re.search(pattern, p.read_text())]
        outside = [name for name in found if not name.startswith(home + "/")]
        if outside or not found or (most is not None and len(found) > most):
            wrong.append(f"{pattern} in {', '.join(found) or 'no file'}")
    return wrong


def package():
    return Path(multicapa.__file__).resolve().parent


def test_includes_run_one_way():
    assert cpp_files(ROOT / "cpp")
    assert cpp_arrows_back(ROOT / "cpp") == []


def test_imports_run_one_way():
    assert rooms_that_climb(package()) == []


def test_no_two_files_know_each_other():
    assert circles(package()) == []


def test_the_house_has_few_rooms():
    """Whoever opens the package sees at once where a thing lives."""
    rooms = {path.stem for path in package().iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms == {"__init__", *set.union(*PYTHON_FLOORS)} - {"_core"}
    assert len(rooms) <= 18


def test_each_concern_has_one_home():
    assert astray(ROOT / "cpp") == []


def test_no_array_library_is_hidden_in_the_core():
    """Only bindings know Python."""
    for path in cpp_files(ROOT / "cpp"):
        if path.parent.name != "bindings":
            assert "Python.h" not in path.read_text(), path
            assert "py::" not in path.read_text(), path


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_turned_include_is_reported(tmp_path):
    good = {
        "base/a.hpp": "",
        "network/spec.hpp": '#include "base/a.hpp"\n',
        "training/t.cpp": '#include "base/a.hpp"\n',
    }
    write(tmp_path, good | {"layers/l.cpp": '#include "network/spec.hpp"\n#include <vector>\n'})
    assert cpp_arrows_back(tmp_path) == []
    write(tmp_path, {"base/a.hpp": '#include "training/step.hpp"\n'})
    assert cpp_arrows_back(tmp_path) == ["base/a.hpp includes training/step.hpp"]
    write(tmp_path, {"base/a.hpp": "", "layers/l.cpp": '  # include "network/network.hpp"\n'})
    assert cpp_arrows_back(tmp_path) == ["layers/l.cpp includes network/network.hpp"]
    write(tmp_path, {"layers/l.cpp": "", "network/spec.hpp": '#include "layers/layer.hpp"\n'})
    assert cpp_arrows_back(tmp_path) == ["network/spec.hpp includes layers/layer.hpp"]
    write(tmp_path, {"network/spec.hpp": "", "util/u.hpp": '#include "base/a.hpp"\n'})
    assert cpp_arrows_back(tmp_path) == ["util/u.hpp: util has no place in CPP_ORDER"]


TURNED = {
    "at the top": "from multicapa.training.fit import fit\n",
    "as a module": "from multicapa import training\n",
    "by its full name": "import multicapa.training.fit\n",
    "in a function": "def f():\n    from multicapa.training import fit\n",
    "for a type checker": "if TYPE_CHECKING:\n    from multicapa.training.fit import Run\n",
}


@pytest.mark.parametrize("how", TURNED)
def test_a_turned_import_is_reported(how, tmp_path):
    good = {
        "__init__.py": "from multicapa import model, __version__",
        "layers.py": "import numpy\nfrom multicapa.base import checks",
        "base/__init__.py": "",
        "base/checks.py": "from multicapa import _core",
        "network/__init__.py": "from multicapa.network.core import CoreNetwork",
        "network/core.py": "from multicapa import layers",
        "training/__init__.py": "",
        "training/fit.py": "from multicapa.network import CoreNetwork",
        "cli/__init__.py": "from multicapa.training.fit import fit",
    }
    write(tmp_path, good)
    assert rooms_that_climb(tmp_path) == []
    assert circles(tmp_path) == []
    write(tmp_path, {"network/core.py": TURNED[how]})
    assert rooms_that_climb(tmp_path) == ["network imports training"]


def test_rooms_of_one_floor_do_not_know_each_other(tmp_path):
    write(tmp_path, {"layers.py": "from multicapa import losses", "losses.py": "", "helpers.py": ""})
    assert rooms_that_climb(tmp_path) == ["helpers has no floor", "layers imports losses"]


@pytest.mark.parametrize("how", ["from multicapa.cli import b", "def f():\n    from multicapa.cli.b import g\n"])
def test_a_circle_of_files_is_reported(how, tmp_path):
    write(tmp_path, {"cli/__init__.py": "", "cli/a.py": "", "cli/b.py": "from multicapa.cli.a import f"})
    assert circles(tmp_path) == []
    write(tmp_path, {"cli/a.py": how})
    assert len(circles(tmp_path)) == 1


def test_a_second_home_is_reported(tmp_path):
    write(
        tmp_path,
        {
            "base/team.cpp": "#include <omp.h>\n#pragma omp parallel num_threads(2)\n",
            "kernels/products/matmul.cpp": "#include <cblas.h>",
            "bindings/b.cpp": "#include <pybind11/numpy.h>",
        },
    )
    assert astray(tmp_path) == []
    write(tmp_path, {"base/other.cpp": "#pragma omp parallel for\n"})
    assert astray(tmp_path) == ["#pragma omp parallel in base/other.cpp, base/team.cpp"]
    write(tmp_path, {"base/other.cpp": "", "training/step.cpp": '#include "cblas.h"'})
    assert len(astray(tmp_path)) == 1
    write(tmp_path, {"training/step.cpp": "#include <pybind11/pybind11.h>"})
    assert len(astray(tmp_path)) == 1
    (tmp_path / "kernels/products/matmul.cpp").unlink()
    assert any("no file" in line for line in astray(tmp_path))


@pytest.mark.parametrize("work", ["", "net.fit([[0., 1.], [1., 0.]], [0, 1], epochs=2); net.predict([[0., 1.]])"])
def test_import_takes_no_heavy_library(work):
    code = f"""
import sys
import multicapa as mc
net = mc.Sequential([mc.Dense(2, "softmax")], input_shape=2, seed=0)
{work}
heavy = ("sklearn", "pandas", "matplotlib", "tqdm", "safetensors", "scipy", "torch")
print([name for name in heavy if name in sys.modules])
"""
    assert output_of(code) == "[]"
