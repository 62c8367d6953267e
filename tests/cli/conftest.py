import contextlib
import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

ROWS = 60
VALUES = 12


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Three bundles of the smallest VAE, and the binary images they were trained on."""
    import genprobe

    folder = tmp_path_factory.mktemp("models")
    images = folder / "images.npy"
    random = np.random.default_rng(0)
    np.save(images, random.integers(0, 2, (ROWS, VALUES)).astype("float32"))
    dataset = genprobe.open_dataset(images)
    for name, settings in {
        "a": {"beta": 0.5},
        "b": {"beta": 4.0},
        "learned": {"prior": "diagonal-normal", "learning_rate": 0.1},
    }.items():
        model = genprobe.train(
            dataset, name=name, data=str(images), latent=2, hidden=(8,), epochs=3, **settings
        )
        genprobe.save(model, folder / f"{name}.pt")
    return SimpleNamespace(folder=folder, images=images, **{p.stem: p for p in folder.glob("*.pt")})


@pytest.fixture(scope="session")
def run_in():
    """Run the command line in this process, in a folder."""
    from genprobe.cli import main

    def start(folder, *arguments):
        with contextlib.chdir(folder):
            return CliRunner().invoke(main, [str(a) for a in arguments])

    return start


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command line in this process, in an empty folder."""
    from genprobe.cli import main

    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def shell(tmp_path):
    """Run the command line as its own process, in an empty folder, its output in pipes."""

    def start(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "genprobe", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )

    return start


@pytest.fixture
def estimates(run, tmp_path):
    """The estimates that a command writes with --json."""

    def read(*arguments):
        path = tmp_path / "report.json"
        result = run(*arguments, "--json", path)
        assert result.exit_code == 0, result.stderr
        return json.loads(path.read_text(encoding="utf-8"))["estimates"]

    return read


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make standard output a terminal of 60 columns; called in the test, not before it."""

    def stand_in():
        stdout = Terminal()
        monkeypatch.setattr("sys.stdout", stdout)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.delenv("NO_COLOR", raising=False)
        return stdout

    return stand_in
