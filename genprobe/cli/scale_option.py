"""The option that makes a density of what a generator gives."""

import click

from genprobe.cli.declare import option


def parse_scale(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> float | str | None:
    """``0.1`` to 0.1; ``optimal`` as it is."""
    if value is None or value == "optimal":
        return value
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"give a number such as 0.1, or optimal, not {value!r}") from None


observation_scale = option(
    "--observation-scale",
    callback=parse_scale,
    metavar="S",
    help="Of a generator that --factory builds, as of a GAN: x is what it gives, with normal noise "
    "of this scale; or optimal.",
    group="Model",
)
