import copy
import json
import random

import pytest

from genprobe.analysis.regimes import Cuts
from genprobe.errors import GenprobeError
from genprobe.report import Report, report_schema
from genprobe.runtime.json_schema import parse, require_valid
from genprobe.testing.examples import reports

OTHERS = [None, True, -1, 0.5, -1e-300, "", "x", "\x1b[2J", [], [1], {}, {"a": 1}, [[None]]]


@pytest.fixture(scope="module")
def content():
    report = reports()["a model with a decoder"]
    facts = {"training": {"epoch": 3}, "regime_cuts": {"certain": 0.9}, "store": "s.h5"}
    found = json.loads(report.to_json())
    found["provenance"] |= facts
    return found


def places(part, place=()):
    """The path of every value."""
    yield place
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from places(value, (*place, key))


def changed(content, place, value):
    """A copy with another value at a place; without it, where the value is ``...``."""
    found = copy.deepcopy(content)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return found


def mutants(content, count):
    draw = random.Random(0)
    every = [place for place in places(content) if place]
    for _ in range(count):
        yield changed(content, draw.choice(every), draw.choice([*OTHERS, ...]))


def test_a_report_of_other_types_is_one_line_or_a_report_that_shows_itself(content):
    for mutant in mutants(content, 40):
        try:
            assert str(Report.from_json(json.dumps(mutant)))
        except GenprobeError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017


def test_the_schema_knows_the_cuts():
    facts = report_schema()["properties"]["provenance"]["properties"]
    names = facts["regime_cuts"]["propertyNames"]["enum"]
    assert set(names) == set(Cuts.__dataclass_fields__)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1e999", "NaN", "-Infinity", "9" * 5000, str(2**63), "{"]
)
def test_what_no_other_program_reads_is_no_json(text):
    with pytest.raises((ValueError, RecursionError)):
        parse(text)


def test_numbers_of_64_bits_are_read_exactly():
    assert parse(f"[{2**63 - 1}, {-(2**63) + 1}, 0.1]") == [2**63 - 1, -(2**63) + 1, 0.1]


def test_the_place_is_named():
    schema = {"properties": {"a": {"items": {"type": "string"}}}}
    with pytest.raises(ValueError, match=r"^a\[1\]: 3 is not of type 'string'$"):
        require_valid({"a": ["x", 3]}, schema)


def test_a_long_value_is_shortened():
    with pytest.raises(ValueError, match="is not of type 'string'") as caught:
        require_valid(["x " * 1000] * 9, {"type": "string"})
    assert len(str(caught.value)) < 100
