import pytest

from genprobe.scaffold import PLUGIN_KINDS


def test_it_writes_a_folder_here_and_says_what_to_do(run, tmp_path):
    result = run("new-plugin", "mine", "--kind", "family")
    assert result.exit_code == 0
    assert (tmp_path / "genprobe-mine" / "genprobe_mine" / "family.py").is_file()
    assert result.stdout == ""
    assert "genprobe_mine/family.py" in result.stderr
    assert "pip install -e 'genprobe-mine[test]'" in result.stderr


def test_it_writes_elsewhere_if_told(run, tmp_path):
    assert run("new-plugin", "mine", "--kind", "prior", "--into", "plugins").exit_code == 0
    assert (tmp_path / "plugins" / "genprobe-mine" / "pyproject.toml").is_file()


def test_a_folder_that_is_there_is_one_line_and_exit_one(run):
    run("new-plugin", "mine", "--kind", "family")
    result = run("new-plugin", "mine", "--kind", "family")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: genprobe-mine is there already.\n")


@pytest.mark.parametrize("arguments", [["mine"], ["mine", "--kind", "metric"], ["--kind", "prior"]])
def test_a_wrong_command_line_is_exit_two(run, arguments):
    assert run("new-plugin", *arguments).exit_code == 2


def test_the_help_lists_every_kind(run):
    found = run("new-plugin", "--help").stdout
    assert all(kind in found for kind in PLUGIN_KINDS)
