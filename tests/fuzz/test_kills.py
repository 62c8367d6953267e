"""A sample of the kills: the same numbers, nothing left, nothing lost."""

import pytest

from fuzz.damaged import Bench
from fuzz.kills import SCENARIOS, SIGNALS, Kills, plan


@pytest.fixture(scope="module")
def kills(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills")
    return Kills(folder, Bench(folder / "bench").base)


@pytest.mark.parametrize("case", ["encode:SIGKILL:0", "fresh-join:SIGTERM:0", "report:SIGINT:0"])
def test_a_killed_run_goes_on_to_the_numbers_of_an_unbroken_one(kills, case):
    row = kills.run(case)
    assert row["outcome"] in ("same", "ended"), row["detail"]


def test_a_hundred_kills_are_of_every_scenario_and_signal():
    planned = [case.split(":")[:2] for case in plan(100)]
    assert len(planned) == 100
    assert {name for name, _ in planned} == SCENARIOS.keys()
    assert {name for _, name in planned} == {number.name for number in SIGNALS}
