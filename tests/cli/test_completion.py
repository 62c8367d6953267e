"""What the shell is offered, asked as click's completion asks."""

import pytest
from click.shell_completion import ShellComplete

from genprobe.cli import main


def offered(*words):
    """What may stand for the last of some words."""
    asked = ShellComplete(main, {}, "genprobe", "_GENPROBE_COMPLETE")
    return {item.value for item in asked.get_completions(list(words[:-1]), words[-1])}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ev",), {"evaluate"}),
        (("evaluate", "--da"), {"--data"}),
        (("evaluate", "--device", "c"), {"cpu", "cuda"}),
        (("evaluate", "--dtype", ""), {"float32", "float64"}),
        (("evaluate", "--prior", "standard"), {"standard-normal"}),
        (("evaluate", "--family", "diag"), {"diagonal-normal"}),
        (("compare", "--sort", "marginal_kl_f"), {"marginal_kl_floor"}),
        (("compare", "--sort", "na"), {"name"}),
        (("evaluate", "--format", "mark"), {"markdown"}),
        (("train", "--prior", ""), {"standard-normal", "diagonal-normal"}),
    ],
)
def test_names_are_completed(words, expected):
    assert offered(*words) == expected


def test_data_sets_are_completed_from_the_parts_and_the_folder_of_data(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "notes.txt").touch()
    monkeypatch.setenv("GENPROBE_DATA_DIR", str(tmp_path))
    assert offered("evaluate", "--data", "") >= {"digits", "mnist"}
    assert "notes.txt" not in offered("evaluate", "-d", "")
    assert offered("sweep", "--held-out", "dig") == {"dig", "digits"}


@pytest.mark.parametrize("words", [("evaluate", "m"), ("compare", "m"), ("evaluate", "-d", "m")])
def test_files_are_completed_by_the_shell(words):
    asked = ShellComplete(main, {}, "genprobe", "_GENPROBE_COMPLETE")
    assert "file" in {i.type for i in asked.get_completions(list(words[:-1]), words[-1])}


def test_an_old_name_is_not_offered():
    assert offered("evaluate", "--mo") == set()
