import click
import pytest
from click.testing import CliRunner

from genprobe.cli.declare import command, option
from genprobe.cli.main import Cli


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command that prints its options, in an empty folder with a file of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Cli, "_fill", lambda self: None)

    @command()
    @option("--data", "-d")
    @option("--draws", type=int, default=1)
    @option("--batch-size", type=int)
    @option("--covariates", multiple=True)
    @option("--quiet", is_flag=True)
    @option("--trust", is_flag=True)
    @option("--plane/--no-plane", default=None)
    def take(**settings):
        click.echo(settings)

    other = click.Command("other", params=[click.Option(["--epochs"], type=int)])
    group = Cli("program", {"take": take, "other": other}, params=[click.Option(["--traceback"])])

    def start(content, *arguments):
        (tmp_path / "c.toml").write_text(content, encoding="utf-8")
        return CliRunner().invoke(group, ["take", "--config", "c.toml", *arguments])

    return start


def test_every_kind_of_option_is_read_and_what_is_typed_wins(run):
    content = """
draws = 2
epochs = 9
batch-size = 7
[take]
data = "x.npy"
draws = 4
covariates = ["a=1", "b=2"]
quiet = true
no-plane = true
"""
    found = run(content, "--batch-size", "8").stdout
    for words in (
        "'data': 'x.npy'",
        "'draws': 4",
        "'batch_size': 8",
        "('a=1', 'b=2')",
        "'quiet': True",
        "'plane': False",
    ):
        assert words in found
    assert "'draws': 2" in run("draws = 2\n[other]\nepochs = 1\n").stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("dara = 'x'", "no option 'dara'.\nDid you mean data?"),
        ("[take]\nbatch_size = 1", "no option of take 'batch_size'.\nDid you mean batch-size?"),
        ("[take]\nepochs = 1", "no option of take 'epochs'.\nThere are: batch-size,"),
        ("[tke]\ndraws = 1", "no command 'tke'.\nDid you mean take?"),
        ("config = 'd.toml'", "no option 'config'"),
        ("draws = 'many'", "draws: 'many' is not a valid integer"),
        ("draws = 2.5", "draws: '2.5' is not a valid integer"),
        ("draws = true", "draws takes one text or number, not True"),
        ("data = ['a', 'b']", "data takes one text or number"),
        ("covariates = [['a']]", "covariates takes texts or numbers"),
        ("trust = true", "trust is not taken from a file"),
        ("quiet = 'yes'", "quiet is true or false, not 'yes'"),
        ("draws = ", "is no TOML"),
        ("[take.draws]\nx = 1", "draws takes one text or number"),
    ],
)
def test_what_cannot_be_is_refused_in_two_lines(run, content, words):
    result = run(content)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "--config c.toml" in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_file_that_is_not_there_or_no_text_is_told(run, tmp_path):
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    for name in ("absent.toml", "b.toml", "."):
        result = run("", "--config", name)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"Error: --config {name}")
