"""The tree can be walked: a part, its file and its test have one name."""

from pathlib import Path

from genprobe.cli import main
from genprobe.plugins.manager import find_plugins

ROOT = Path(__file__).parents[2]
KINDS = ("families", "priors", "likelihoods", "estimators")


def files(folder):
    """Every module of a folder of genprobe, as ``families/laplace.py``."""
    paths = (ROOT / "genprobe" / folder).glob("*.py")
    return {f"{folder}/{path.name}" for path in paths if path.stem != "__init__"}


def file_of(folder, name):
    return f"{folder}/{name.replace('-', '_')}.py"


def test_every_part_has_a_test_file_of_its_name():
    parts = {path for kind in KINDS for path in files(kind)}
    assert {p for p in parts if not (ROOT / "tests" / p.replace("/", "/test_")).is_file()} == set()


def test_every_part_is_in_the_file_of_its_name():
    for kind in (*KINDS, "probes"):
        expected = {file_of(kind, part.name) for part in find_plugins([]).parts(kind)}
        assert expected - files(kind) == set()


def test_every_command_is_in_the_file_of_its_name():
    assert {file_of("cli", name) for name in main.list_commands(None)} - files("cli") == set()


def test_no_folder_of_tests_is_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))
