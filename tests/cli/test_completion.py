"""What the shell is offered, asked as click's completion asks."""

import os
import subprocess
import sys

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
        (("evaluate", "--prior", "standard"), {"standard", "standard-normal"}),  # or a file
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


@pytest.mark.parametrize(
    ("asked", "expected"), [("bash_complete", "plain,--data\n"), ("zsh_source", "compdef")]
)
def test_a_shell_gets_its_answer(asked, expected):
    done = subprocess.run(
        [sys.executable, "-c", "from genprobe.cli import main; main(prog_name='genprobe')"],
        env={
            **os.environ,
            "_GENPROBE_COMPLETE": asked,
            "COMP_WORDS": "genprobe evaluate --dat",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert expected in done.stdout
    assert done.stderr == ""
