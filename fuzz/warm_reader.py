"""The process that reads files of HDF5 first, forked from this one instead of started anew.

It runs the same code on the same pipes, and costs milliseconds where a new one costs a third of a
second; a case of damage has one of its own, as every command has.
"""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from genprobe.runtime import hdf5, hdf5_reader


class Forked:
    """What ``genprobe.runtime.hdf5`` needs of a process: two pipes, and an end.

    Attributes:
        stdin: into which questions go.
        stdout: out of which answers come.
    """

    def __init__(self) -> None:
        questions, answers = os.pipe(), os.pipe()
        self.pid = os.fork()
        if not self.pid:
            be_reader(questions, answers)
        os.close(questions[0])
        os.close(answers[1])
        self.stdin = os.fdopen(questions[1], "w", encoding="ascii")
        self.stdout = os.fdopen(answers[0], "r", encoding="ascii")

    def kill(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> None:
        """Reap it."""
        os.waitpid(self.pid, 0)
        for pipe in (self.stdin, self.stdout):
            pipe.close()


def be_reader(questions: tuple[int, int], answers: tuple[int, int]) -> None:
    """Be the process that reads first, and end."""
    try:
        os.setsid()
        for source, target in ((questions[0], 0), (answers[1], 1)):
            os.dup2(source, target)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.closerange(3, 256)
        sys.stdin = os.fdopen(0, encoding="ascii")
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        hdf5_reader.MEMORY += pages * resource.getpagesize()
        hdf5_reader.main()
    finally:
        os._exit(0)


def start() -> "subprocess.Popen[str]":
    """Fork the process, in place of ``genprobe.runtime.hdf5._start``."""
    reader = cast("Any", Forked())
    hdf5._readers[os.getpid()] = reader
    return reader


def use_warm_reader() -> None:
    """Let this process and its forks read files of HDF5 first in a fork.

    Raises:
        AttributeError: if genprobe starts that process in another way by now.
    """
    if not callable(hdf5._start):
        raise AttributeError("genprobe.runtime.hdf5._start")
    hdf5._start = start
