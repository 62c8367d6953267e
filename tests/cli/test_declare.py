import click
from click.testing import CliRunner

from genprobe.cli.declare import option


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
