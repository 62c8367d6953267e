"""Ctrl-C typed on a real terminal, at a moment the model chooses: it says so and waits for it."""

import json
import os
import pty
import re
import signal
import sys

import pytest

from genprobe.cli.interrupt import kept, resumable
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
    calls.append(len(x))
    if sum(calls) > 2 * SEGMENT_ROWS + 1:  # one example is encoded to begin with
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


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """Run the command line on a terminal of its own and type Ctrl-C once it waits."""
    import numpy as np

    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(ROWS, 2)).astype("float32"))
    (tmp_path / "waiting.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "weights.pt").write_bytes(b"none")
    (tmp_path / "temporary").mkdir()
    here = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.getcwd(), here]))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("GENPROBE_PLUGINS", "")
    monkeypatch.chdir(tmp_path)

    def run(*options, wait_in=""):
        command = [sys.executable, "-m", "genprobe", "evaluate", "weights.pt", "--quiet"]
        command += ["--model", "waiting:build", "--data", "x.npy", "--json", "report.json"]
        monkeypatch.setenv("WAIT_IN", wait_in)
        shown = [c for c in command if c != "--quiet" or "--quiet" in options]
        process, screen = pty.fork()
        if process == 0:
            # What runs in the background is born deaf to Ctrl-C, and hands that on.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(sys.executable, [*shown, *(o for o in options if o != "--quiet")])
        text = typed_at(screen)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), plain(text)

    return run


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


def test_an_interrupted_store_goes_on_to_the_numbers_of_an_unbroken_run(terminal, tmp_path):
    assert terminal("--store", "whole.h5")[0] == 0
    whole = numbers(tmp_path)
    (tmp_path / "report.json").unlink()

    code, text = terminal("--store", "s.h5", wait_in="encode")
    assert code == 130
    assert "Traceback" not in text
    assert re.search(r"encode .* 67%", text)
    [line] = said(text)
    assert "What was encoded is kept beside s.h5; the same command goes on from there." in line

    code, text = terminal("--store", "s.h5", wait_in="aggregate")
    assert code == 130
    assert "Traceback" not in text
    assert "Resumed s.h5: 2 of 3 segments were encoded before." in text
    [line] = said(text)
    assert "s.h5 holds every example; the same command encodes nothing anew." in line
    assert not (tmp_path / "report.json").exists()

    code, text = terminal("--store", "s.h5")
    assert code == 0
    assert f"Reused s.h5: all {ROWS} examples were encoded before." in text
    assert numbers(tmp_path) == whole
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("stage", ["encode", "aggregate"])
def test_without_a_store_nothing_is_left_behind(terminal, tmp_path, stage):
    code, text = terminal("--quiet", wait_in=stage)
    assert code == 130
    assert "encode " not in text
    assert said(text)[0].endswith("with --store it would go on where it stopped.")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("there", "fresh", "words"),
    [
        ([], False, "Nothing was encoded yet"),
        (["s.h5"], False, "the same command encodes nothing anew"),
        (["s.h5"], True, "the same command without --fresh encodes nothing anew"),
        (["s.h5.partial"], False, "the same command goes on"),
        (["s.h5.partial"], True, "the same command without --fresh goes on"),
        (["s.h5", "s.h5.partial"], True, "is as it was before"),
    ],
)
def test_what_is_kept_is_what_is_there(tmp_path, there, fresh, words):
    for name in there:
        (tmp_path / name).mkdir()
    assert words in kept(tmp_path / "s.h5", fresh)


def test_other_faults_pass_through():
    @resumable
    def command(store, fresh):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command(store=None, fresh=False)
