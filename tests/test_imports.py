"""Imports run one way, and what has one home stays there. The tables below are the rule."""

import ast
import re
from pathlib import Path

import pytest

import multicapa
from helpers import ROOT, output_of

# Each folder of cpp/ may include itself and those before it; single files may stand lower than their folder.
CPP_ORDER = ("base", "kernels", "layers", "network", "training", "bindings")
CPP_LEAVES = {"network/spec.hpp": "base", "network/spec.cpp": "base"}  # they stand with the folder named

# Each module of python/multicapa may import those of its own row and of the rows before.
PYTHON_ORDER = (
    {"_core", "blas", "checks", "errors"},
    {"arrays", "data", "history", "initializers", "layers", "losses", "optimizers", "plots", "schedules", "threads"},
    {"graph", "regularization", "views"},
    {"augment", "callbacks", "curriculum", "diagnosis", "drawing", "feed", "lbfgs", "progress", "summary"},
    {"training"},
    {"online"},
    {"network"},
    {"estimators", "files", "sequential"},
    {"table"},
    {"cli"},
    {"__main__"},
)
# Arrows that run back within a function, where nothing is imported until it is called.
PYTHON_EXCEPTIONS = {("network", "files")}

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


def python_imports(path, package):
    """Modules of the package that a file imports, those for type checkers aside."""
    found = set()

    def visit(node):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[1] for alias in node.names if alias.name.startswith(package + "."))
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports are not used here"
            if node.module == package:
                found.update(alias.name for alias in node.names)
            elif node.module and node.module.startswith(package + "."):
                found.add(node.module.split(".")[1])
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found - {"__version__"}


def python_arrows_back(root, package="multicapa"):
    """Imports that run against PYTHON_ORDER, as readable lines."""
    rank = {module: row for row, modules in enumerate(PYTHON_ORDER) for module in modules}
    wrong = []
    for path in sorted(root.rglob("*.py")):
        module = path.relative_to(root).with_suffix("").parts[0]
        if module == "__init__":
            continue
        if module not in rank:
            wrong.append(f"{module} has no place in PYTHON_ORDER")
            continue
        for target in sorted(python_imports(path, package)):
            if target not in rank:
                wrong.append(f"{module} imports {target}, which has no place in PYTHON_ORDER")
            elif rank[target] > rank[module] and (module, target) not in PYTHON_EXCEPTIONS:
                wrong.append(f"{module} imports {target}")
    return wrong


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
    assert python_arrows_back(package()) == []


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


def test_a_turned_import_is_reported(tmp_path):
    write(
        tmp_path,
        {"__init__.py": "from multicapa import network", "network.py": "from multicapa import layers, training"},
    )
    write(
        tmp_path,
        {"layers.py": "import numpy", "training.py": "", "cli/__init__.py": "from multicapa.network import Network"},
    )
    assert python_arrows_back(tmp_path) == []
    write(tmp_path, {"layers.py": "def f():\n    from multicapa.network import Network\n"})
    assert python_arrows_back(tmp_path) == ["layers imports network"]
    write(tmp_path, {"layers.py": "import multicapa.training\n"})
    assert python_arrows_back(tmp_path) == ["layers imports training"]
    write(tmp_path, {"layers.py": "if TYPE_CHECKING:\n    from multicapa.network import Network\n"})
    assert python_arrows_back(tmp_path) == []
    write(tmp_path, {"layers.py": "from multicapa import cli"})
    assert python_arrows_back(tmp_path) == ["layers imports cli"]
    write(tmp_path, {"layers.py": "", "helpers.py": ""})
    assert python_arrows_back(tmp_path) == ["helpers has no place in PYTHON_ORDER"]


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


def test_import_is_quick():
    """Above NumPy; the promise is 0.15 s in all, and a shared machine gets twice that."""
    code = "import numpy, time; t = time.perf_counter(); import multicapa; print(time.perf_counter() - t)"
    assert min(float(output_of(code)) for _ in range(3)) < 0.3
