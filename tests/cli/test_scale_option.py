import click
import pytest
from click.testing import CliRunner

from genprobe.cli.scale_option import observation_scale


@click.command()
@observation_scale
def show(observation_scale):
    click.echo(repr(observation_scale))


@pytest.mark.parametrize(
    ("given", "read"), [([], "None"), (["0.5"], "0.5"), (["optimal"], "'optimal'")]
)
def test_a_scale_is_a_number_or_the_best_one(given, read):
    words = [f"--observation-scale={value}" for value in given]
    assert CliRunner().invoke(show, words).output.strip() == read


def test_any_other_word_is_refused():
    found = CliRunner().invoke(show, ["--observation-scale", "best"])
    assert found.exit_code == 2
    assert "give a number such as 0.1, or optimal, not 'best'" in found.output
