"""Reports: whole pages that need nothing from elsewhere, and Markdown with its figures beside it."""

import re
from html.parser import HTMLParser

import pytest
from tables import flowers, houses

pytest.importorskip("matplotlib")
pytest.importorskip("tomli_w")

VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """Checks that elements are closed in order, and collects what a reader sees."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.elements = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page(tmp_path, name="r.html"):
    text = (tmp_path / name).read_text(encoding="utf-8")
    return text, Page(text)


def test_html_is_whole_and_tells_everything(run, tmp_path):
    table = flowers().assign(day="2024-03-01", id=range(150))
    table.loc[0, "species"] = None
    table.to_csv("t.csv", index=False)
    assert run("train t.csv --target species --epochs 5 --report r.html --seed 7")[0] == 0
    text, found = page(tmp_path)
    shown = " ".join(" ".join(found.text).split())
    for words in (
        "species from t.csv",
        "accuracy, test",
        "colour",
        "always the same",
    ):
        assert words in shown
    for words in (
        "no 'species' are left out",
        "just counts the rows",
        "dense_1",
        "multicapa train --config",
        "seed = 7",
    ):
        assert words in shown
    assert sum(tag == "svg" for tag, _ in found.elements) == 3
    assert all(attrs.get("viewbox") for tag, attrs in found.elements if tag == "svg")
    outside = [v for _, attrs in found.elements for k, v in attrs.items() if k in ("src", "href") and v[:1] != "#"]
    assert outside == []
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text


def test_names_from_the_table_cannot_break_the_page(run, tmp_path):
    table = flowers().rename(columns={"length": "<b>&"}).replace({"species": {"a": "</svg><script>"}})
    table.to_csv("t.csv", index=False)
    assert run("train t.csv --target species --epochs 2 --report r.html")[0] == 0
    _, found = page(tmp_path)
    assert not [tag for tag, _ in found.elements if tag in ("script", "b")]
    assert "<b>&" in "".join(found.text)


def test_letters_that_the_font_lacks(run, tmp_path):
    flowers().replace({"species": {"a": "花"}}).to_csv("t.csv", index=False)
    code, _, err = run("train t.csv --target species --epochs 2 --report r.html")
    assert (code, err) == (0, "")
    assert "花" in "".join(page(tmp_path)[1].text)
    code, _, err = run("plot predictions model.safetensors t.csv")
    assert code == 0
    assert " ".join(err.split()).startswith("Note: predictions.png has letters that matplotlib's font lacks")


def test_the_options_shown_give_the_same_model(run, tmp_path):
    flowers().to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 5 --hidden 8 --report r.html")
    before = (tmp_path / "model.safetensors").read_bytes()
    config = next(text for text in page(tmp_path)[1].text if text.startswith('command = "train"'))
    (tmp_path / "this.toml").write_text(config)
    assert run("train --config this.toml")[0] == 0
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_markdown_with_figures_beside_it(run, tmp_path):
    houses().rename(columns={"size": "size|_*"}).to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target price --epochs 5 --report r.md")
    assert code == 0
    text = (tmp_path / "r.md").read_text()
    assert text.startswith("# price from t.csv\n")
    figures = re.findall(r"!\[.*\]\(<(.*)>\)", text)
    assert figures == ["r-curves.svg", "r-predictions.svg", "r-network.svg"]
    for name in figures:
        assert "<svg" in (tmp_path / name).read_text()
        assert name in out
    assert r"size\|\_\*" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert all(re.sub(r"\\\|", "", line).count("|") >= 4 for line in table)


def test_of_a_search(run, tmp_path):
    flowers().to_csv("t.csv", index=False)
    line = "search t.csv --target species --epochs 4 --hidden 8 --learning-rate 0.001 0.01 --batch-size 16 64"
    assert run(f"{line} --report r.html")[0] == 0
    _, found = page(tmp_path)
    shown = " ".join(" ".join(found.text).split())
    assert "Candidates: 4." in shown
    assert "rate 0.001" in shown  # of the plate
    assert sum(tag == "svg" for tag, _ in found.elements) == 4
    assert 'command = "train"' in shown


def test_without_dev_and_test(run, tmp_path):
    flowers().to_csv("t.csv", index=False)
    assert run("train t.csv --target species --epochs 2 --dev 0 --test 0 --report r.html")[0] == 0
    assert "accuracy, train" in page(tmp_path)[0]
