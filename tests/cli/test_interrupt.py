"""Ctrl-C typed on a real terminal, at a moment the model chooses: it says so and waits for it."""

import _thread
import json
import os
import pty
import re
import signal
import sys
import threading
import time
import weakref
from functools import partial
from pathlib import Path

import pytest

from genprobe.cli import interrupt
from genprobe.cli.interrupt import describe_kept_store, lasting_interrupts, resumable
from genprobe.store.format import SEGMENT_ROWS

ROWS = 3 * SEGMENT_ROWS

MODEL = """
import dataclasses, os, signal
import genprobe
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.store.format import SEGMENT_ROWS


def wait(stage):
    if os.environ.get("WAIT_IN") == stage:
        os.write(2, b"WAITING")
        signal.pause()


calls = []


def encode(x):
    if len(x) > 16:  # not the few that are encoded to begin with
        calls.append(len(x))
    if sum(calls) > 2 * SEGMENT_ROWS:
        wait("encode")
    return {"loc": x, "scale": 0.3 + 0 * x}


def sufficient(z):
    wait("aggregate")
    return diagonal_normal.sufficient(z)


def build(path):
    family = dataclasses.replace(diagonal_normal, sufficient=sufficient)
    return genprobe.Model(
        name="waiting", encode=encode, posterior=family, prior="standard-normal"
    )
"""


SWEEP = """
import multiprocessing, os, threading
import genprobe.encoding.encode, genprobe.runs.evaluation, genprobe.runs.train
from genprobe.cli import main


def waiting(stage, module, name):
    function = getattr(module, name)

    def waits(*arguments, **options):
        if os.environ.get("WAIT_IN") == stage and multiprocessing.parent_process():
            os.write(2, b"WAITING")
            threading.Event().wait()
        return function(*arguments, **options)

    setattr(module, name, waits)


waiting("train", genprobe.runs.train, "objective")
waiting("encode", genprobe.encoding.encode, "columns")
waiting("aggregate", genprobe.runs.evaluation, "build_report")

if __name__ == "__main__":
    main()
"""
SWEPT = (
    *("sweep", "--data", "a.npy", "--held-out", "b.npy", "--betas", "0.5,2"),
    *("--first-epochs", "1", "--epochs", "2", "--hidden", "8", "--latent", "2"),
)


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """Run a command on a terminal of its own and type Ctrl-C once it waits."""
    here = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.getcwd(), here]))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("GENPROBE_PLUGINS", "")
    monkeypatch.chdir(tmp_path)

    def run(*command, wait_in=""):
        monkeypatch.setenv("WAIT_IN", wait_in)
        process, screen = pty.fork()
        if process == 0:
            # What runs in the background is born deaf to Ctrl-C, and hands that on.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(sys.executable, [sys.executable, *command])
        text = typed_at(screen)  # until the last process that has the terminal is gone
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), plain(text)

    return run


@pytest.fixture
def evaluate(terminal, tmp_path):
    """Evaluate a model that waits where it is told to."""
    import numpy as np

    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(ROWS, 2)).astype("float32"))
    (tmp_path / "waiting.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "weights.pt").write_bytes(b"none")
    command = ["-m", "genprobe", "evaluate", "weights.pt", "--factory", "waiting:build"]
    command += ["--data", "x.npy", "--json", "report.json", "--max-queries", "64"]
    return partial(terminal, *command)


@pytest.fixture
def sweep(terminal, tmp_path):
    """Sweep two β at once, in processes that wait where they are told to."""
    import numpy as np

    random = np.random.default_rng(0)
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", random.integers(0, 2, (60, 12)).astype("float32"))
    (tmp_path / "sweep.py").write_text(SWEEP, encoding="utf-8")
    return partial(terminal, "sweep.py", *SWEPT, "--jobs", "2", "--out")


def typed_at(screen):
    """Everything a process shows, and Ctrl-C typed when it first says that it waits."""
    text, typed = b"", False
    while chunk := read(screen):
        text += chunk
        if b"WAITING" in text and not typed:
            typed = bool(os.write(screen, b"\x03"))
    os.close(screen)
    return text.decode()


def read(screen):
    try:
        return os.read(screen, 1 << 16)
    except OSError:  # how Linux tells that the other end is closed
        return b""


def plain(text):
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text).replace("\r", "\n")


def numbers(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))["estimates"]


def said(text):
    return [line.strip() for line in text.splitlines() if "Stopped" in line]


def test_an_interrupted_sweep_goes_on_to_the_numbers_of_an_unbroken_run(sweep, run, tmp_path):
    assert run(*SWEPT, "--out", "whole").exit_code == 0
    for stage in ("train", "encode", "aggregate"):
        code, text = sweep("broken", wait_in=stage)
        assert code == 130
        assert not re.search("Traceback|KeyboardInterrupt|Error", text)
        [line] = said(text)
        goes_on = "the same command goes on from there."
        assert line.endswith(f"Stopped. What is finished is kept in broken; {goes_on}")
    assert not list((tmp_path / "broken").glob("*.report.json"))
    assert sweep("broken")[0] == 0
    whole = {path.name: path for path in (tmp_path / "whole").glob("*.report.json")}
    assert len(whole) == 4
    for name, path in whole.items():
        reports = [json.loads(p.read_text("utf-8")) for p in (path, tmp_path / "broken" / name)]
        assert reports[0]["estimates"] == reports[1]["estimates"]
    left = {path.name for path in (tmp_path / "broken").iterdir()}
    assert left == {path.name for path in (tmp_path / "whole").iterdir()}


def test_an_interrupted_store_goes_on_to_the_numbers_of_an_unbroken_run(evaluate, tmp_path):
    assert evaluate("--store", "whole.h5")[0] == 0
    whole = numbers(tmp_path)
    (tmp_path / "report.json").unlink()

    code, text = evaluate("--store", "s.h5", wait_in="encode")
    assert code == 130
    assert "Traceback" not in text
    assert re.search(r"encode .* 67%", text)
    [line] = said(text)
    assert "What was encoded is kept beside s.h5; the same command goes on from there." in line

    code, text = evaluate("--store", "s.h5", wait_in="aggregate")
    assert code == 130
    assert "Traceback" not in text
    assert "Resumed s.h5: 2 of 3 segments were encoded before." in text
    [line] = said(text)
    assert "s.h5 holds every example; the same command encodes nothing anew." in line
    assert not (tmp_path / "report.json").exists()

    code, text = evaluate("--store", "s.h5")
    assert code == 0
    assert f"Reused s.h5: all {ROWS} examples were encoded before." in text
    assert numbers(tmp_path) == whole
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_interrupted_fresh_run_goes_on_with_the_same_command(evaluate, tmp_path):
    assert evaluate("--store", "s.h5")[0] == 0
    whole, store = numbers(tmp_path), tmp_path / "s.h5"
    old = store.read_bytes()

    code, text = evaluate("--store", "s.h5", "--fresh", wait_in="encode")
    assert code == 130
    assert "s.h5 is as it was before. What was encoded is kept beside s.h5" in said(text)[0]
    assert said(text)[0].endswith("the same command goes on from there.")
    assert store.read_bytes() == old

    code, text = evaluate("--store", "s.h5", "--fresh", wait_in="aggregate")
    assert code == 130
    assert "Resumed s.h5: 2 of 3 segments were encoded before. To begin anew" in text
    assert "s.h5 holds every example; the same command encodes nothing anew." in said(text)[0]
    assert store.read_bytes() != old

    code, text = evaluate("--store", "s.h5", "--fresh")
    assert code == 0
    assert f"Reused s.h5: all {ROWS} examples were encoded before. To begin anew" in text
    assert numbers(tmp_path) == whole
    assert not (tmp_path / "s.h5.partial").exists()


@pytest.mark.parametrize("stage", ["encode", "aggregate"])
def test_without_a_store_nothing_is_left_behind(evaluate, tmp_path, stage):
    code, text = evaluate("--quiet", wait_in=stage)
    assert code == 130
    assert "encode " not in text
    assert said(text)[0].endswith("with --store it would go on where it stopped.")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("there", "fresh", "words"),
    [
        ([], False, "Nothing was encoded yet; the same command begins anew."),
        ([], True, "Nothing was encoded yet; the same command begins anew."),
        (["store"], False, "s.h5 holds every example; the same command encodes nothing anew."),
        (["store", "piece"], False, "s.h5 holds every example, and what was annealed is kept"),
        (["store"], True, "s.h5 is as it was before. Nothing was encoded yet"),
        (["segment"], False, "What was encoded is kept beside s.h5; the same command goes on"),
        (["segment"], True, "Nothing was encoded yet; the same command begins anew."),
        (["segment", "name"], True, "What was encoded is kept beside s.h5; the same command go"),
        (["store", "segment", "name"], True, "s.h5 is as it was before. What was encoded is"),
        (["store", "segment", "name"], False, "s.h5 holds every example; the same command enc"),
    ],
)
def test_what_is_kept_is_what_is_there(tmp_path, monkeypatch, there, fresh, words):
    monkeypatch.chdir(tmp_path)
    files = {"store": "s.h5", "segment": "s.h5.partial/00000000.h5", "name": "s.h5.partial/fresh"}
    files["piece"] = "s.h5.partial/inference-0123456789abcdef/fit-000000.npz"
    (tmp_path / "s.h5.partial" / "inference-0123456789abcdef").mkdir(parents=True)
    for kind in there:
        (tmp_path / files[kind]).write_text("name")
    assert describe_kept_store(Path("s.h5"), fresh).startswith(words)


def test_other_faults_pass_through():
    @resumable(lambda: "")
    def command():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


@pytest.fixture
def heeded():
    """Interrupts are heeded, which a program in the background need not do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def wait_after_a_dropped_interrupt(prepare=lambda: None):
    """Lose an interrupt as h5py's objects lose it, and wait until it comes again."""

    class Thing:
        """Something that h5py might hold."""

    thing, long_after = Thing(), threading.Event()
    watch = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
    patience = threading.Timer(30, long_after.set)
    patience.start()
    with lasting_interrupts(), pytest.raises(KeyboardInterrupt):  # noqa: PT012
        prepare()
        del thing
        long_after.wait()
    assert watch() is None
    assert not long_after.is_set()
    patience.cancel()


def test_an_interrupt_that_comes_while_an_object_goes_ends_a_wait_too(heeded, capfd):
    wait_after_a_dropped_interrupt()
    assert "Traceback" not in capfd.readouterr().err


def test_what_else_python_drops_is_shown_as_ever(monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)

    class Thing:
        def __del__(self):
            raise ValueError("gone")

    with lasting_interrupts():
        Thing()
    assert [dropped.exc_type for dropped in shown] == [ValueError]
    assert sys.unraisablehook == shown.append


def test_an_interrupt_does_not_come_again_while_it_would_be_lost(heeded, monkeypatch):
    """As on a busy machine, where the one who brings it is quicker than the one who lost it."""
    monkeypatch.setattr("genprobe.cli.interrupt.SOON", 0.0)
    start = threading.Thread.start

    def slow(self):
        start(self)
        time.sleep(0.2)

    be_slow = partial(monkeypatch.setattr, threading.Thread, "start", slow)
    for _ in range(3):
        wait_after_a_dropped_interrupt(be_slow)
        monkeypatch.setattr(threading.Thread, "start", start)


def test_an_interrupt_that_comes_just_before_a_wait_ends_it(heeded, monkeypatch):
    """As if the signal came between the last look for one and the wait: it wakes nobody."""
    wake, woken = interrupt.interrupt_main, []

    def first_in_vain():
        woken.append(True)
        if len(woken) > 1:
            return wake()
        time.sleep(0.2)  # until the wait has begun
        return _thread.interrupt_main()  # noted, and seen at the next step

    monkeypatch.setattr(interrupt, "interrupt_main", first_in_vain)

    wait_after_a_dropped_interrupt()
    time.sleep(0.3)  # and does not come once more
    assert len(woken) == 2
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
