"""The command line: what it writes, says and returns, and that its complaints name the remedy."""

import builtins
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import multicapa as mc
from multicapa.cli import main, train
from multicapa.table import TableModel

pd = pytest.importorskip("pandas")

# Commands run in folders of their own, where a relative path to the package would lead nowhere.
_PATHS = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(_PATHS)}


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    """Run a command; its exit code, standard output and standard error."""

    def command(line, *more):
        try:
            code = main([*line.split(), *more])
        except SystemExit as exit:  # argparse's way out
            code = exit.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return command


def flowers(n=150, seed=0):
    """Two numbers and a category that tell three classes apart."""
    rng = np.random.default_rng(seed)
    k = rng.integers(0, 3, n)
    return pd.DataFrame(
        {
            "length": 3.0 * k + rng.normal(size=n) * 0.4,
            "width": 100 + rng.normal(size=n),
            "colour": np.array(["red", "blue", "white"])[(k + (rng.random(n) < 0.1)) % 3],
            "species": np.array(["a", "b", "c"])[k],
        }
    )


def houses(n=300, seed=0):
    """A price of a size and a town, in units far from 1."""
    rng = np.random.default_rng(seed)
    size, town = rng.uniform(40, 200, n), rng.integers(0, 3, n)
    price = 5e5 + 3000 * size + 1e5 * town + rng.normal(size=n) * 5000
    return pd.DataFrame({"size": size, "town": np.array(["Ulm", "Bonn", "Kiel"])[town], "price": price})


FAST = "--hidden 16 --learning-rate 0.02 --epochs 60"


def one_complaint(result, *words):
    code, _, err = result
    assert code == 2
    complaint = err[err.index("multicapa: ") :]  # notes may come before it
    assert len(complaint.splitlines()) <= 3
    assert max(map(len, err.splitlines())) <= 80
    for word in words:
        assert word in " ".join(complaint.split()), err


# ---- demo ----


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "multicapa", "demo", "--output", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=ENVIRONMENT,
    )
    return folder, done.stdout


def accuracies(text):
    lines = [line.split() for line in text.splitlines()]
    return {
        line[0]: float(line[2]) for line in lines if line and line[0] in ("train", "dev", "test") and len(line) == 3
    }


def test_demo_reads_digits_and_writes_its_files(demo):
    folder, out = demo
    scores = accuracies(out)
    assert scores["test"] >= 0.97
    assert scores["train"] >= scores["dev"] >= 0.95
    assert sorted(path.name for path in folder.iterdir()) == [
        "multicapa-demo-test.csv",
        "multicapa-demo.png",
        "multicapa-demo.safetensors",
    ]
    assert (folder / "multicapa-demo.png").read_bytes().startswith(b"\x89PNG")
    assert all(len(line) <= 80 for line in out.splitlines() if str(folder) not in line)


def test_what_the_demo_suggests_works_and_agrees(demo, run, monkeypatch):
    folder, out = demo
    monkeypatch.chdir(folder)
    suggested = [line.strip() for line in out[out.index("What to try next:") :].splitlines() if "multicapa" in line]
    runnable = [line.removeprefix("multicapa ") for line in suggested if "YOUR" not in line and "cd " not in line]
    assert [line.split()[0] for line in runnable] == ["info", "evaluate", "predict", "train"]
    outputs = [run(line) for line in runnable]
    assert [code for code, _, _ in outputs] == [0, 0, 0, 0]
    assert f"{accuracies(out)['test']:.3f}" in outputs[1][1]
    assert "256" in outputs[0][1]


@pytest.mark.parametrize("seed", [1, 2])
def test_demo_is_good_for_other_seeds(run, seed):
    code, out, _ = run(f"demo --seed {seed}")
    assert code == 0
    assert accuracies(out)["test"] >= 0.97


def test_demo_goes_without_matplotlib(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = run("demo --epochs 1")
    assert code == 0
    assert 'pip install "multicapa[plots]"' in err
    assert (tmp_path / "multicapa-demo.safetensors").exists()
    assert not (tmp_path / "multicapa-demo.png").exists()


def test_demo_where_a_file_is(run, tmp_path):
    (tmp_path / "file").write_text("")
    one_complaint(run("demo --output file"), "'file' is not a folder")


# ---- train, predict, evaluate ----


def test_classes_from_training_to_prediction(run, tmp_path):
    flowers().to_csv("flowers.csv", index=False)
    code, out, err = run(f"train flowers.csv --target species --figure loss.svg {FAST}")
    assert (code, err) == (0, "")
    assert accuracies(out)["test"] >= 0.9
    assert "3 classes: a, b, c" in out
    assert "one line per true class" in out
    assert "<svg" in (tmp_path / "loss.svg").read_text()

    later = flowers(seed=1)[["species", "colour", "width", "length"]].assign(extra="kept")  # another order, one more
    later.to_csv("later.csv", index=False)
    assert run("predict model.safetensors later.csv --probabilities --output p.csv")[0] == 0
    predicted = pd.read_csv("p.csv")
    assert (predicted["predicted_species"] == later["species"]).mean() > 0.9
    probabilities = predicted[["probability_a", "probability_b", "probability_c"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (np.array(["a", "b", "c"])[probabilities.argmax(axis=1)] == predicted["predicted_species"]).all()
    assert (predicted["extra"] == "kept").all()

    code, out, _ = run("evaluate model.safetensors later.csv")
    share = (predicted["predicted_species"] == later["species"]).mean()
    assert code == 0
    assert f"{share:.3f}" in out


def test_numbers_come_back_in_their_units(run):
    houses().to_csv("houses.csv", index=False)
    code, out, _ = run(f"train houses.csv --target price {FAST}")
    assert code == 0
    assert "R²" in out
    assert "RMSE" in out
    code, out, _ = run("predict model.safetensors houses.csv")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "size,town,price,predicted_price"
    predicted = np.array([float(line.split(",")[-1]) for line in lines[1:]])
    assert np.sqrt(np.mean((predicted - houses()["price"]) ** 2)) < 0.2 * houses()["price"].std()
    one_complaint(run("predict model.safetensors houses.csv --probabilities"), "needs a model of classes", "price")


def test_scores_are_those_of_scikit_learn(run):
    from sklearn.metrics import r2_score, root_mean_squared_error

    houses().to_csv("houses.csv", index=False)
    run(f"train houses.csv --target price {FAST}")
    predicted = TableModel.load("model.safetensors").predict(houses())
    _, out, _ = run("evaluate model.safetensors houses.csv")
    shown = out.splitlines()[1].split()
    truth = houses()["price"]
    assert shown[2] == f"{r2_score(truth, predicted):.3f}"
    assert float(shown[3]) == pytest.approx(root_mean_squared_error(truth, predicted), rel=1e-3)


def test_only_the_training_rows_are_learnt_from(run):
    flowers().to_csv("flowers.csv", index=False)
    run("train flowers.csv --target species --epochs 1 --seed 4 --dev 0.2 --test 0.3")
    table = flowers()
    rows = mc.data.train_dev_test_split(np.arange(150), table["species"], dev=0.2, test=0.3, seed=4).X_train
    length = TableModel.load("model.safetensors").columns.columns[0]
    assert length.mean == pytest.approx(table["length"].iloc[rows].mean())
    assert length.scale == pytest.approx(table["length"].iloc[rows].std())


def test_same_seed_same_network_and_other_seed_another(run):
    flowers().to_csv("flowers.csv", index=False)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run(f"train flowers.csv --target species --seed {seed} --epochs 3 --output {name}")[0] == 0
    a, b, c = (mc.load(name).parameters.flat for name in "abc")
    assert (a == b).all()
    assert not (a == c).all()


def test_options_reach_the_network(run):
    flowers().to_csv("flowers.csv", index=False)
    line = "train flowers.csv --target species --hidden 8,4 --dropout 0.25 --activation tanh --epochs 2 --seed 9"
    assert run(line)[0] == 0
    network = mc.load("model.safetensors")
    assert network.seed == 9
    assert [layer.get("units") or layer.get("rate") for layer in network.spec[1:]] == [8, 0.25, 4, 0.25, 3]
    assert network.spec[1]["activation"] == "tanh"
    assert run("train flowers.csv --target species --hidden none --epochs 2")[0] == 0
    assert len(mc.load("model.safetensors").spec) == 2


def test_threads_are_limited_during_the_command_only(run, monkeypatch):
    flowers().to_csv("flowers.csv", index=False)
    before, seen = mc.get_num_threads(), []
    fit = train.fit
    monkeypatch.setattr(train, "fit", lambda *a, **k: seen.append(mc.get_num_threads()) or fit(*a, **k))
    assert run(f"train flowers.csv --target species --epochs 1 --threads {before + 1}")[0] == 0
    assert seen == [before + 1]
    assert mc.get_num_threads() == before


def test_optimizer_and_rate_and_batch_are_used(run, monkeypatch):
    flowers().to_csv("flowers.csv", index=False)
    seen = {}
    fit = train.fit
    monkeypatch.setattr(train, "fit", lambda *a, **k: seen.update(k) or fit(*a, **k))
    line = (
        "train flowers.csv --target species --optimizer sgd --learning-rate 0.5 --batch-size 7 --epochs 2 --patience 3"
    )
    assert run(line)[0] == 0
    assert seen == {"patience": 3, "epochs": 2, "optimizer": mc.SGD(0.5), "batch_size": 7}


def test_semicolons_decimal_commas_and_gzip(run):
    flowers().to_csv("flowers.csv.gz", index=False, sep=";", decimal=",")
    one_complaint(run("train flowers.csv.gz --target species"), "--decimal ,")
    code, out, _ = run(f"train flowers.csv.gz --target species --decimal , {FAST}")
    assert code == 0
    assert "Numbers: length, width." in out


# ---- what the table may hold ----


def test_missing_values_are_named_and_counted(run):
    table = flowers()
    table.loc[3:5, "length"] = np.nan
    table.loc[7, "colour"] = None
    table.to_csv("gaps.csv", index=False)
    found = run("train gaps.csv --target species")
    one_complaint(found, "length (3)", "colour (1)", "--missing drop", "--missing impute")


def test_dropping_and_imputing_really_work(run):
    table = flowers()
    table.loc[3:5, "length"] = np.nan
    table.loc[7, "colour"] = None
    table.loc[9, "species"] = None
    table.to_csv("gaps.csv", index=False)
    code, out, err = run(f"train gaps.csv --target species --missing drop --output dropped {FAST}")
    assert code == 0
    assert "gaps.csv: 145 rows" in out
    assert "5 of 150" in err
    one_complaint(run("evaluate dropped gaps.csv --missing error"), "length (3)")
    assert len(run("predict dropped gaps.csv")[1].splitlines()) == 1 + 146

    code, out, err = run(f"train gaps.csv --target species --missing impute --output imputed {FAST}")
    assert code == 0
    assert "gaps.csv: 149 rows" in out
    assert len(run("predict imputed gaps.csv")[1].splitlines()) == 1 + 150


def test_texts_that_mean_missing(run):
    table = flowers().astype({"length": object})
    table.loc[4, "length"] = "?"
    table.to_csv("odd.csv", index=False)
    one_complaint(run("train odd.csv --target species"), "'length'", "'?'", "--na '?'")
    one_complaint(run("train odd.csv --target species --na ?"), "length (1)")
    assert run("train odd.csv --target species --na ? --missing drop --epochs 2")[0] == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("day", pd.date_range("2024-01-01", periods=150).strftime("%Y-%m-%d")),
        ("day", pd.date_range("2024-01-01", periods=150).strftime("%d.%m.%Y")),
        ("time", pd.date_range("2024-01-01", periods=150).strftime("%Y-%m-%d %H:%M:%S")),
        ("full name", [f"Person {i}" for i in range(150)]),
        ("nothing", [None] * 150),
    ],
)
def test_columns_of_no_use_are_named_with_the_remedy(run, name, values):
    flowers().assign(**{name: values}).to_csv("t.csv", index=False)
    drop = f"--drop '{name}'" if " " in name else f"--drop {name}"
    one_complaint(run("train t.csv --target species"), repr(name), drop)
    assert run("train t.csv --target species --epochs 2", "--drop", name)[0] == 0


def test_several_columns_of_no_use_at_once(run):
    flowers().assign(x=[f"x{i}" for i in range(150)], y=[f"y{i}" for i in range(150)]).to_csv("t.csv", index=False)
    one_complaint(run("train t.csv --target species"), "--drop x --drop y")


def test_a_column_that_counts_the_rows_is_pointed_out(run):
    flowers().to_csv("t.csv", index=True, index_label="id")
    _, _, err = run("train t.csv --target species --epochs 2")
    assert "--drop id" in err
    assert "'width'" not in err


@pytest.mark.parametrize("words", [("Specis", "did you mean 'species'?"), ("zzz", "There are: length, width")])
def test_wrong_target_suggests(run, words):
    flowers().to_csv("t.csv", index=False)
    one_complaint(run("train t.csv --target", words[0]), *words)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["yes", "no"] * 75, "classes"),
        ([True, False] * 75, "classes"),
        ([0, 1, 2] * 50, "classes"),
        ([0.0, 1.0, 2.0] * 50, "classes"),
        (list(range(150)), "numbers"),
        ([0.5, 1.5, 2.5] * 50, "numbers"),
    ],
)
def test_the_task_is_guessed(run, values, task):
    flowers().assign(goal=values).to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target goal --epochs 1")
    assert code == 0
    target = next(line for line in out.splitlines() if line.startswith("Target goal"))
    assert task in target


def test_the_task_can_be_given(run):
    flowers().assign(goal=[0, 1, 2] * 50).to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target goal --epochs 1 --task regression")
    assert code == 0
    assert "R²" in out
    one_complaint(run("train t.csv --target species --task regression"), "'species'", "needs numbers")
    one_complaint(run("train t.csv --target length --task classification"), "'length'", "--task regression")


def test_targets_that_teach_nothing(run):
    flowers().assign(same=1, name=[f"n{i}" for i in range(150)]).to_csv("t.csv", index=False)
    one_complaint(run("train t.csv --target same --drop name"), "'same'", "nothing to learn")
    one_complaint(run("train t.csv --target name"), "'name'", "150 different values")


def test_a_rare_class_is_no_obstacle(run):
    table = flowers()
    table.loc[0, "species"] = "rare"
    table.to_csv("t.csv", index=False)
    code, out, err = run("train t.csv --target species --epochs 2")
    assert code == 0
    assert "4 classes" in out
    assert "'rare'" in err


def test_many_classes_give_no_endless_table(run):
    table = flowers(600).assign(species=np.arange(600) % 30)
    table.to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target species --task classification --epochs 2")
    assert code == 0
    assert "30 classes" in out
    assert "most frequent confusions" in out
    assert max(map(len, out.splitlines())) <= 80


def test_unseen_categories_and_classes_are_told(run):
    flowers().to_csv("t.csv", index=False)
    run(f"train t.csv --target species {FAST}")
    later = flowers(seed=2)
    later.loc[:1, "colour"] = "mauve"
    later.loc[:2, "species"] = "d"
    later.to_csv("later.csv", index=False)
    code, _, err = run("predict model.safetensors later.csv --output p.csv")
    assert code == 0
    assert "'colour'" in err
    assert "('mauve'; rows: 2)" in " ".join(err.split())
    code, out, err = run("evaluate model.safetensors later.csv")
    assert code == 0
    assert "never saw (d)" in err
    predicted = pd.read_csv("p.csv")["predicted_species"]
    assert f"{(predicted == later['species']).mean():.3f}" in out


def test_tables_that_do_not_fit_the_model(run):
    flowers().to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 2")
    flowers().rename(columns={"length": "lenght"}).to_csv("typo.csv", index=False)
    one_complaint(run("predict model.safetensors typo.csv"), "'length'", "did you mean 'lenght'?")
    flowers().astype({"width": object}).replace({"width": {flowers()["width"][4]: "wide"}}).to_csv("w.csv", index=False)
    one_complaint(run("predict model.safetensors w.csv"), "'width'", "row 5", "'wide'")
    flowers().assign(width=1e300).to_csv("far.csv", index=False)
    one_complaint(run("predict model.safetensors far.csv"), "'width'", "1e+300")
    flowers().drop(columns="species").to_csv("no.csv", index=False)
    one_complaint(run("evaluate model.safetensors no.csv"), "'species'", "nothing to compare with")


# ---- files ----


def test_files_that_are_not_tables(run, tmp_path):
    flowers().to_csv("t.csv", index=False)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("a,b\n")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3,4\n")
    (tmp_path / "latin.csv").write_bytes("a,b\nä,1\n".encode("latin-1"))
    (tmp_path / "twice.csv").write_text("a,a ,b\n1,2,3\n")
    for name, words in {
        "none.csv": "no file",
        "empty.csv": "empty",
        "header.csv": "no rows",
        "ragged.csv": "line 3 has 4 fields",
        "latin.csv": "UTF-8",
        "twice.csv": "two columns called 'a'",
    }.items():
        one_complaint(run(f"train {name} --target b"), words, name)
    one_complaint(run("predict t.csv t.csv"), "t.csv", "safetensors")
    one_complaint(run("info nothing.safetensors"), "nothing.safetensors")


def test_nothing_is_overwritten_by_mistake(run):
    flowers().to_csv("t.csv", index=False)
    one_complaint(run("train t.csv --target species --output t.csv"), "would replace")
    one_complaint(run("train t.csv --target species --output no/model"), "no folder 'no'")
    run("train t.csv --target species --epochs 1")
    one_complaint(run("predict model.safetensors t.csv --output ./t.csv"), "would replace")
    pd.testing.assert_frame_equal(pd.read_csv("t.csv"), flowers(), check_dtype=False)


def test_a_model_made_elsewhere(run):
    flowers().to_csv("t.csv", index=False)
    mc.Sequential([mc.Dense(2)], input_shape=3, seed=0).save("plain")
    one_complaint(run("predict plain t.csv"), "multicapa train")
    code, out, _ = run("info plain")
    assert code == 0
    assert "dense_1" in out


def test_missing_extras_are_named(run, monkeypatch):
    flowers().to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 1")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        one_complaint(run("train t.csv --target species --figure x.png"), 'pip install "multicapa[plots]"')
    real = builtins.__import__

    def without_pandas(name, *rest, **options):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    for line in ("train t.csv --target species", "predict model.safetensors t.csv", "evaluate model.safetensors t.csv"):
        one_complaint(run(line), 'pip install "multicapa[cli]"')


# ---- info, help, usage ----


def test_info_tells_versions_and_machine(run):
    code, out, _ = run("info")
    assert code == 0
    facts = (mc.__version__, np.__version__, mc._core.isa(), *mc._core.available_isas(), "BLAS", "threads")
    for fact in facts:
        assert fact in out


def test_info_tells_what_a_model_reads(run):
    flowers().to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 1 --missing drop")
    _, out, _ = run("info model.safetensors")
    assert mc.load("model.safetensors").summary() in out
    for fact in ("Predicts species: a, b, c", "length, width", "colour (3)", "rows are left out"):
        assert fact in out


@pytest.mark.parametrize("command", ["", "demo ", "train ", "predict ", "evaluate ", "info "])
def test_help_fits_and_ends_with_an_example(run, command):
    code, out, _ = run(f"{command}--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert f"  multicapa {command}".rstrip() in out.rpartition("\n\n")[2]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train t.csv", "--target"),
        ("train t.csv --target species --dropout 2", "--dropout"),
        ("train t.csv --target species --hidden big", "64,32"),
        ("train t.csv --target species --epochs 0", "--epochs"),
        ("train t.csv --target species --dev 0.6 --test 0.5", "nothing to train on"),
        ("train t.csv --target species --activation rleu", "did you mean 'relu'?"),
        ("train t.csv --target species --optimizer adagrat", "did you mean 'adagrad'?"),
        ("train t.csv --target species --figure x.xyz", ".png"),
        ("train t.csv --target species --optimizer sgd --learning-rate 1e12", "--learning-rate"),
        ("train t.csv --target species --drop species", "target"),
        ("fly", "train"),
        ("", "COMMAND"),
    ],
)
def test_wrong_usage(run, line, words):
    flowers().to_csv("t.csv", index=False)
    one_complaint(run(line), words)


def test_interrupt_returns_130(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    flowers().to_csv("t.csv", index=False)
    monkeypatch.setattr(train, "fit", interrupted)
    assert run("train t.csv --target species")[0] == 130


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_during_training(tmp_path):
    flowers(3000).to_csv("t.csv", index=False)
    command = "train t.csv --target species --epochs 1000000 --patience 1000000 --hidden 256,256"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "multicapa", *command.split()],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:  # the first epoch is over: training is under way
        if line.split()[:1] == ["1"]:
            break
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_who_has_seen_enough(run):
    flowers(20000).to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 1")
    process = subprocess.Popen(
        [sys.executable, "-m", "multicapa", "predict", "model.safetensors", "t.csv"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().endswith("predicted_species\n")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 0
