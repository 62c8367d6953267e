import os
import signal

import pytest

from genprobe.errors import GenprobeError, SupportError
from genprobe.jobs import run
from genprobe.progress import Progress, silent


def square(value, progress):
    """Three steps, and then the square and who did it."""
    for _ in range(3):
        progress.advance("mine", 1, 3)
    return value * value, os.getpid()


def fail(value, progress):
    """A fault for one value; for the others steps without end, until told to stop."""
    if value == 2:
        raise SupportError(4, 2.0, "bernoulli", "values in [0, 1]", "Rescale them.")
    while True:
        progress.advance("mine", 0, 1)


def vanish(value, progress):
    """Be killed, as by a system that is short of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order_and_every_step_is_counted(jobs):
    seen = []
    found = run(
        square,
        [3, 1, 2],
        jobs=jobs,
        stage="all",
        total=9,
        progress=Progress(advance=lambda *step: seen.append(step), say=silent.say),
    )
    assert [value for value, _ in found] == [9, 1, 4]
    assert ({process for _, process in found} == {os.getpid()}) == (jobs == 1)
    assert {(stage, total) for stage, _, total in seen} == {("all", 9)}
    assert sum(done for _, done, _ in seen) == 9


def test_a_fault_is_raised_here_and_stops_the_others():
    with pytest.raises(SupportError, match="Example 4 has the value 2") as raised:
        run(fail, [1, 2], jobs=2, stage="all", total=1, progress=silent)
    assert (raised.value.example, raised.value.remedy) == (4, "Rescale them.")


def test_a_killed_process_is_told():
    with pytest.raises(GenprobeError, match="process was killed"):
        run(vanish, [1, 2], jobs=2, stage="all", total=1, progress=silent)
