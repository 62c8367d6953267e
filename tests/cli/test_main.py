import logging
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import genprobe
from genprobe.cli import main
from genprobe.errors import UsageError

COMMANDS = [
    "evaluate",
    "compare",
    "show",
    "card",
    "train",
    "sweep",
    "demo",
    "validate",
    "plugins",
    "new-model",
    "new-plugin",
]


def test_help_a_usage_error_and_what_is_completed_need_no_torch():
    code = """
import sys
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from genprobe.cli.main import main
for *words, begun in (["sh"], ["show", "--f"], ["compare", "--sort", "ma"]):
    asked = ShellComplete(main, {}, "genprobe", "_GENPROBE_COMPLETE")
    assert asked.get_completions(words, begun)
for arguments in (["--help"], ["evaluate", "--help"], ["evaluate"], ["--version"]):
    CliRunner().invoke(main, arguments)
assert "evaluate" in CliRunner().invoke(main, ["--help"]).stdout
print(sorted({"torch", "h5py", "numpy", "jinja2", "rich"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_lists_the_commands_in_order(run):
    listed = re.findall(r"^  ([a-z][a-z-]+)  ", run("--help").stdout, re.MULTILINE)
    assert listed == COMMANDS


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_fits_80_columns_and_describes_every_command(run, command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert re.search(r"^  [A-Z].*\w", result.stdout, re.MULTILINE)
    assert run(*command, "-h").stdout == result.stdout
    assert "\\" not in result.stdout, "a mark of layout is printed"


def test_the_version_is_told(run):
    assert run("--version").stdout == f"genprobe, version {genprobe.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["evalute"], ["--nonsense"], ["evaluate"], ["show"], ["compare"]], ids=str
)
def test_a_usage_error_is_exit_2_on_standard_error(run, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage:" in result.stderr
    assert "Error:" in result.stderr


@pytest.fixture
def failing(monkeypatch):
    """Make the command ``fail`` raise."""

    def add(error):
        def callback():
            raise error

        main.list_commands(None)  # fills the group
        monkeypatch.setitem(main.commands, "fail", click.Command("fail", callback=callback))

    return add


def test_a_fault_of_the_input_is_told_in_two_lines_and_exit_1(failing):
    failing(genprobe.GenprobeError("It is wrong.", "Do this."))
    result = CliRunner().invoke(main, ["fail"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: It is wrong.\nDo this.\n"


def test_a_choice_that_makes_no_sense_is_exit_2(failing):
    failing(UsageError("It is wrong."))
    result = CliRunner().invoke(main, ["fail"])
    assert (result.exit_code, result.stderr) == (2, "Error: It is wrong.\n")


def test_traceback_shows_where_a_fault_arose(failing):
    fault = genprobe.GenprobeError("It is wrong.")
    failing(fault)
    assert CliRunner().invoke(main, ["--traceback", "fail"]).exception is fault


def test_a_fault_of_the_program_is_not_passed_off_as_one_of_the_input(failing):
    fault = ZeroDivisionError()
    failing(fault)
    assert CliRunner().invoke(main, ["fail"]).exception is fault


def test_an_interrupt_is_told_as_shells_expect(failing):
    failing(KeyboardInterrupt())
    result = CliRunner().invoke(main, ["fail"])
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "Stopped.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "lines"), [(["evaluate", "no.pt"], 1, 2), (["evaluate"], 2, 4)], ids=str
)
def test_a_shell_sees_code_and_message_and_no_traceback(shell, arguments, code, lines):
    done = shell(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= lines


def test_a_shell_sees_the_traceback_when_asked(shell):
    done = shell("--traceback", "evaluate", "no.pt")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "There is no model at no.pt." in done.stderr


@pytest.mark.parametrize("command", ["evaluate", "train", "sweep"])
def test_examples_in_the_help_stand_on_lines_of_their_own(run, command):
    lines = run(command, "--help").stdout.splitlines()
    assert any(line.startswith(f"  genprobe {command} ") for line in lines)
    assert "\\b" not in "".join(lines)


def test_a_program_that_calls_a_command_keeps_its_own_log_level(tiny, tmp_path):
    log = logging.getLogger("genprobe")
    before = log.level
    arguments = ["evaluate", str(tiny.a), "--data", str(tiny.images)]
    done = CliRunner().invoke(main, [*arguments, "--store", str(tmp_path / "s.h5")])
    assert done.exit_code == 0
    assert log.level == before


@pytest.mark.parametrize(("name", "command"), [("m.pt", "evaluate"), ("s.h5", "show")])
def test_a_file_in_the_place_of_a_command_is_answered_with_the_command(
    run, tmp_path, name, command
):
    (tmp_path / name).touch()
    result = run(name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Did you mean: genprobe {command} {name}" in result.stderr
