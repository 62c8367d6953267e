import json

import pytest
from click.testing import CliRunner

from genprobe.cli import main

from .samples import autoencoder, shapes, train, write_images


@pytest.fixture(scope="session")
def pixels():
    return shapes(48, 16)


@pytest.fixture(scope="session")
def folder(pixels, tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("data") / "shapes", pixels)


@pytest.fixture(scope="session")
def modules(pixels):
    """A module at its random start, and one briefly trained."""
    return {"random": autoencoder(), "trained": train(autoencoder(), shapes(64, 16, seed=1))}


@pytest.fixture
def evaluate(tmp_path):
    """``genprobe evaluate`` with some arguments, to its JSON."""

    def run(*arguments):
        path = tmp_path / "report.json"
        call = ["evaluate", *map(str, arguments), "--json", str(path), "--device", "cpu"]
        result = CliRunner().invoke(main, call)
        assert result.exit_code == 0, result.output
        return json.loads(path.read_text())

    return run


@pytest.fixture
def refused():
    """``genprobe evaluate`` with some arguments that it refuses, to what it says."""

    def run(*arguments):
        result = CliRunner().invoke(main, ["evaluate", *map(str, arguments)])
        assert result.exit_code in (1, 2)
        assert "Traceback" not in result.output
        return " ".join(result.output.split())

    return run
