import click
import pytest

from genprobe.cli import options


@pytest.mark.parametrize("unit", ["nats", "bits", "bits/dim"])
def test_every_unit_of_the_renderers_can_be_asked_for(unit):
    from genprobe.render.text.units import UNITS

    choice = click.Command("c", params=options.unit(lambda: None).__click_params__).params[0].type
    assert unit in choice.choices
    assert tuple(choice.choices) == UNITS
