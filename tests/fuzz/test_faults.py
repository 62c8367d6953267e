"""A sample of the faults of the surroundings: one or two lines, nothing lost."""

import pytest

from fuzz.damaged import Bench
from fuzz.faults import FAULTS, FREE, Faults, plan

SAMPLE = (
    "disk-full:store:24",
    "disk-full:fresh:128",
    "file-limit:store:8",
    "forbidden:store:x.npy",
    "locked:show:open",
    "disturbed:evaluate:join,vanishes,s.h5.partial",
    "console:show:cp1252",
    "console:show:full",
)


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    return Faults(folder, Bench(folder / "bench").base)


@pytest.mark.parametrize("case", SAMPLE)
def test_a_fault_is_reported_in_a_line_and_costs_nothing(faults, case):
    row = faults.run(case)
    assert row["outcome"] != "fault", row["detail"]


def test_every_fault_is_planned_and_full_disks_of_twenty_sizes():
    planned = [case.split(":") for case in plan(1000)]
    assert {kind for kind, *_ in planned} == FAULTS.keys()
    assert len(FREE) == 20
    assert {*SAMPLE} <= {*plan(1000)}
