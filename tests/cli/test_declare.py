import click
import pytest
from click.testing import CliRunner

from genprobe.cli.declare import WHOLE, option


def test_a_former_name_works_and_is_not_shown():
    @click.command()
    @option("--factory", formerly=["--model"])
    def command(factory):
        click.echo(factory)

    for name in ("--factory", "--model"):
        assert CliRunner().invoke(command, [name, "m:f"]).output == "m:f\n"
    shown = CliRunner().invoke(command, ["--help"]).output
    assert "--factory" in shown
    assert "--model" not in shown


@pytest.mark.parametrize(
    ("text", "number"),
    [("1000", 1000), ("1e3", 1000), ("2.0", 2), (3.0, 3), (7, 7)],
)
def test_whole_numbers_may_be_written_as_powers_of_ten(text, number):
    assert WHOLE.convert(text, None, None) == number


@pytest.mark.parametrize("text", ["1.5", "1e-3", "many", "", "nan", "inf", "1e400", 0.5])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(click.BadParameter, match="is not a valid integer"):
        WHOLE.convert(text, None, None)
