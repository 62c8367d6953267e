import math
from dataclasses import replace

import pytest

from genprobe.errors import GenprobeError
from genprobe.render.text.units import UNITS, divisor


@pytest.mark.parametrize(
    ("unit", "nats"), [("nats", 1.0), ("bits", math.log(2)), ("bits/dim", 20 * math.log(2))]
)
def test_a_unit_is_so_many_nats(make_report, unit, nats):
    assert divisor(make_report(), unit) == pytest.approx(nats, rel=1e-15)


def test_an_unknown_unit_is_refused_with_those_there_are(make_report):
    with pytest.raises(GenprobeError) as error:
        divisor(make_report(), "bans")
    assert all(unit in error.value.remedy for unit in UNITS)


def test_bits_per_dimension_of_data_of_unknown_shape_are_refused(make_report):
    report = make_report()
    unknown = replace(report, provenance={**report.provenance, "event_shape": [0]})
    with pytest.raises(GenprobeError, match="number of values in an example"):
        divisor(unknown, "bits/dim")
    assert divisor(unknown, "bits") == math.log(2)
