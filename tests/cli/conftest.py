"""Commands run in this process, each test in a folder of its own."""

import pytest

pytest.importorskip("pandas")

from multicapa.cli import main


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command; its exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def command(line, *more):
        try:
            code = main([*line.split(), *more])
        except SystemExit as exit:  # after --help and --version
            code = exit.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return command
