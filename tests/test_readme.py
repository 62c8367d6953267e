"""The README shows what the program does; its demo is in cli/test_demo.py."""

import re
from importlib.resources import files
from pathlib import Path

from click.testing import CliRunner

from genprobe.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_shows_one_model_as_it_is():
    shown = re.search(r"<!-- one model -->\n```text\n(.*?)```", README, re.DOTALL).group(1)
    model = str(files("genprobe.demo") / "beta-0.9.pt")
    done = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["evaluate", model, "--data", "digits"])
    assert done.exit_code == 0, done.output
    assert rounded(shown) <= rounded(done.stdout)


def rounded(text):
    """Its lines, with one digit behind a point: another processor adds in another order."""
    return {re.sub(r"(\.\d)\d+", r"\1", line) for line in text.splitlines()}


def test_has_the_two_commands_that_the_continuous_build_runs():
    commands = re.findall(r"^\$ (.*\.venv.*)$", README, re.MULTILINE)
    assert len(commands) == 2
    assert all("-c constraints.txt" in command for command in commands)
    assert "genprobe demo" in commands[0]
    assert "pytest" in commands[1]


def test_is_read_in_five_minutes():
    assert len(README.split()) < 1000


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README)
    assert {link for link in links if not (ROOT / link).exists()} == set()
