"""The README shows what the program does; its demo is in cli/test_demo.py."""

import re
from pathlib import Path

from click.testing import CliRunner

from genprobe.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_shows_the_help_as_it_is():
    shown = re.search(r"<!-- help -->\n```text\n(.*?)```", README, re.DOTALL).group(1)
    assert shown == CliRunner().invoke(main, ["--help"], prog_name="genprobe").output


def test_has_the_two_commands_that_the_continuous_build_runs():
    commands = re.findall(r"^\$ (.*\.venv.*)$", README, re.MULTILINE)
    assert len(commands) == 2
    assert all("-c constraints.txt" in command for command in commands)
    assert "genprobe demo" in commands[0]
    assert "pytest" in commands[1]
