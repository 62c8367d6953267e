import dataclasses
import math

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from genprobe.render.figure.dimensions import SHOWN, draw_dimensions, ranked


@pytest.fixture
def axes():
    return Figure().subplots()


def tops(axes):
    """Height of the stack at every place."""
    found = {}
    for patch in axes.patches:
        place = round(patch.get_x() + patch.get_width() / 2)
        found[place] = max(found.get(place, 0.0), patch.get_y() + patch.get_height())
    return [found[place] for place in sorted(found)]


def test_bars_are_sorted_by_rate_and_numbered_by_dimension(axes, make_dimension):
    rates = [0.3, 2.0, 0.001, 1.0]
    draw_dimensions(axes, [make_dimension(i, r) for i, r in enumerate(rates)], 1.0, "nats")
    assert tops(axes) == pytest.approx([2.0, 1.0, 0.3, 0.001])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "3", "0", "2"]


def test_a_dimension_that_is_not_active_looks_empty(axes, make_dimension):
    draw_dimensions(axes, [make_dimension(0, 2.0), make_dimension(1, 0.05)], 1.0, "nats")
    fills = {round(p.get_x() + p.get_width() / 2): to_hex(p.get_facecolor()) for p in axes.patches}
    assert fills[0] != fills[1] == "#ffffff"


def test_the_aggregate_part_is_below_and_the_stack_is_the_rate(axes, make_dimension):
    given = [dataclasses.replace(make_dimension(0, 2.0), aggregate_kl=0.5)]
    draw_dimensions(axes, given, math.log(2), "bits")
    pairs = sorted((p.get_y(), p.get_y() + p.get_height()) for p in axes.patches)
    half, whole = 0.5 / math.log(2), 2.0 / math.log(2)
    assert [x for pair in pairs for x in pair] == pytest.approx([0.0, half, half, whole])


@pytest.mark.parametrize("aggregate", [-0.01, 2.5])
def test_an_aggregate_part_that_errs_stays_within_the_bar(axes, make_dimension, aggregate):
    given = [dataclasses.replace(make_dimension(0, 2.0), aggregate_kl=aggregate)]
    draw_dimensions(axes, given, 1.0, "nats")
    assert tops(axes) == pytest.approx([2.0])
    assert min(p.get_y() for p in axes.patches) == 0


def test_of_many_the_first_have_bars_and_the_rest_is_told(axes, make_dimension):
    many = [make_dimension(i, 1.0 / (i + 1)) for i in range(16384)]
    draw_dimensions(axes, many, 1.0, "nats")
    assert len(tops(axes)) == SHOWN
    rest = sum(1.0 / (i + 1) for i in range(SHOWN, 16384))
    assert f"{16384 - SHOWN} more: {rest:.3f} nats" in axes.get_xlabel()


def test_dimensions_without_a_rate_have_no_bar(make_dimension):
    unknown = dataclasses.replace(make_dimension(3, 1.0), rate=None)
    assert ranked([unknown]) == []
