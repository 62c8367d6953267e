import os
import signal
import subprocess
import sys
import threading

import pytest

from genprobe.errors import GenprobeError, SupportError
from genprobe.runtime.jobs import run_jobs
from genprobe.runtime.progress import Progress, silent


def square(value, progress):
    """Three steps, and then the square and who did it."""
    for _ in range(3):
        progress.advance("mine", 1, 3)
    return value * value, os.getpid()


def wait_for_ever(value, progress):
    """A step, and then none."""
    progress.advance("mine", 1, 1)
    threading.Event().wait()


def fail(value, progress):
    """A fault for one value; for the others nothing, for ever."""
    if value == 2:
        raise SupportError(4, 2.0, "bernoulli", "values in [0, 1]", "Rescale them.")
    wait_for_ever(value, progress)


def vanish(value, progress):
    """Be killed, as by a system that is short of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order_and_every_step_is_counted(jobs):
    seen = []
    found = run_jobs(
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


def test_an_interrupt_stops_all_wherever_they_are():
    def interrupt(stage, steps, total):
        begun.append(steps)
        if sum(begun) == 2:
            raise KeyboardInterrupt

    begun = []
    shown = Progress(advance=interrupt, say=silent.say)
    with pytest.raises(KeyboardInterrupt):
        run_jobs(wait_for_ever, [1, 2], jobs=2, stage="all", total=2, progress=shown)
    assert sum(begun) == 2


ORPHANS = """
import os, threading
from genprobe.runtime.jobs import run_jobs
from genprobe.runtime.progress import silent


def wait_for_ever(value, progress):
    os.write(1, b".")
    threading.Event().wait()


if __name__ == "__main__":
    run_jobs(wait_for_ever, [1, 2], jobs=2, stage="all", total=1, progress=silent)
"""


@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_is_orphaned_ends(tmp_path, deadly):
    (tmp_path / "orphans.py").write_text(ORPHANS)
    command = [sys.executable, tmp_path / "orphans.py"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout.read(2) == b".."
        parent.send_signal(deadly)
        rest, _ = parent.communicate(timeout=60)  # the pipe ends with the last who has it
    assert rest == b""
    assert parent.returncode == -deadly


def test_a_fault_is_raised_here_and_stops_the_others():
    with pytest.raises(SupportError, match="Example 4 has the value 2") as raised:
        run_jobs(fail, [1, 2], jobs=2, stage="all", total=1, progress=silent)
    assert (raised.value.example, raised.value.remedy) == (4, "Rescale them.")


def test_a_killed_process_is_told():
    with pytest.raises(GenprobeError, match="process was killed"):
        run_jobs(vanish, [1, 2], jobs=2, stage="all", total=1, progress=silent)


CHECKED = """
import sys
print("begun", file=sys.stderr, flush=True)
from genprobe.runtime.jobs import require_importable_script

def work():
    require_importable_script()
    print("allowed")

{}
"""


def run_script(path, *command):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(path.parent), *sys.path])}
    command = [sys.executable, *(command or [path])]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize(
    ("call", "begun"),
    [
        ("work()", 1),
        ("try:\n    work()\nfinally:\n    print(__name__, file=sys.stderr)", 2),
        ("if work:\n    work()", 2),
    ],
)
def test_a_script_without_a_guard_is_told_before_any_work(tmp_path, call, begun):
    (tmp_path / "script.py").write_text(CHECKED.format(call))
    done = run_script(tmp_path / "script.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'under `if __name__ == "__main__":`.' in done.stderr.splitlines()[-1]
    assert done.stderr.count("begun") == begun
    assert done.stderr.count("Traceback") == 1


@pytest.mark.parametrize(
    "call",
    [
        'if __name__ == "__main__":\n    work()',
        'if __name__ != "__main__":\n    sys.exit()\nwork()',
        "import multiprocessing as m\nif m.current_process().name == 'MainProcess':\n    work()",
    ],
)
def test_a_script_with_a_guard_of_any_kind_goes_on(tmp_path, call):
    (tmp_path / "script.py").write_text(CHECKED.format(call))
    done = run_script(tmp_path / "script.py")
    assert (done.returncode, done.stdout) == (0, "allowed\n")


def test_what_no_process_imports_needs_no_guard(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(CHECKED.format("work()"))
    script = tmp_path / "script.py"
    for command in (["-m", "package"], ["-c", CHECKED.format("work()")]):
        done = run_script(script, *command)
        assert (done.returncode, done.stdout) == (0, "allowed\n")


UNGUARDED = """
from genprobe.runtime.jobs import run_jobs
from genprobe.runtime.progress import silent

run_jobs(print, [1, 2], jobs=2, stage="all", total=2, progress=silent)
"""


def test_a_script_that_every_process_would_run_again_is_told_how_not_to(tmp_path):
    (tmp_path / "unguarded.py").write_text(UNGUARDED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, tmp_path / "unguarded.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 1
    assert 'must do it under `if __name__ == "__main__":`' in done.stderr.splitlines()[-1]
