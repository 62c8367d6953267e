"""The tree can be walked: a part, its file and its test have one name."""

from pathlib import Path

import pytest

from genprobe.cli import main
from genprobe.plugins import find_plugins

ROOT = Path(__file__).parents[2]
KINDS = ("families", "priors", "likelihoods", "estimators")


def parts(kind):
    files = sorted((ROOT / "genprobe" / kind).glob("*.py"))
    return [path for path in files if path.stem != "__init__"]


FILES = [path.relative_to(ROOT / "genprobe") for kind in KINDS for path in parts(kind)]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_part_has_a_test_file_of_its_name(path):
    assert (ROOT / "tests" / path.with_name(f"test_{path.name}")).is_file()


@pytest.mark.parametrize("kind", [*KINDS, "probes"])
def test_every_part_is_in_the_file_of_its_name(kind):
    for part in find_plugins([]).parts(kind):
        assert (ROOT / "genprobe" / kind / f"{part.name.replace('-', '_')}.py").is_file(), part.name


def test_every_command_is_in_the_file_of_its_name():
    for name in main.list_commands(None):
        assert (ROOT / "genprobe" / "cli" / f"{name.replace('-', '_')}.py").is_file(), name


def test_no_folder_of_tests_is_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))
