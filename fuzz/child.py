"""Running one call in a forked child: its output, how it ended, how long it took.

The parent has imported torch and genprobe, so a child costs milliseconds. It has limits of memory
and of the size of files, a session of its own, and no input.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz.actions import Refused
from genprobe.errors import GenprobeError, UsageError

LONGEST = 10.0
"""Seconds after which a call counts as one that hangs."""
MEMORY, FILE = 4 << 30, 1 << 30
"""Bytes of memory that a child may take besides the parent's, and of a file it may write."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a call ended.

    Attributes:
        status: ``done``, ``refused``, ``raised``, ``killed`` by a signal, or ``hung``.
        code: the exit status, or the number of the signal.
        answer: what the call returned.
        where: of an exception that is no refusal, its type and place.
        output: to standard output.
        errors: to standard error.
        seconds: of processor time.
    """

    status: str
    code: int = 0
    answer: Any = None
    where: str = ""
    output: str = ""
    errors: str = ""
    seconds: float = field(default=0.0, compare=False)

    def require_done(self) -> None:
        """Check that the call returned, where nothing stood in its way.

        Raises:
            RuntimeError: if it did not.
        """
        if self.status != "done":
            raise RuntimeError(f"{self.where} {self.errors}")


def run_in_child(call: Callable[[], Any], folder: Path, temporary: Path) -> Ended:
    """Call something in a child, in a folder.

    Args:
        call: returns plain types; a ``GenprobeError`` or ``Refused`` is a refusal.
        folder: the current one of the child.
        temporary: the child's folder for temporary files.
    """
    pipes = [os.pipe() for _ in ("said", "output", "errors")]
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        be_child(call, folder, temporary, [writing for _, writing in pipes])
    for _, writing in pipes:
        os.close(writing)
    texts, ended = read_until_exit([r for r, _ in pipes], child, time.monotonic() + LONGEST)
    kill_session(child)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    said, output, errors = texts
    found = {"output": output, "errors": errors, "seconds": usage.ru_utime + usage.ru_stime}
    if not ended:
        return Ended(status="hung", **found)
    if code < 0 or not said:
        return Ended(status="killed", code=-code, **found)
    return Ended(**json.loads(said), **found)


def be_child(
    call: Callable[[], Any], folder: Path, temporary: Path, writing: Sequence[int]
) -> None:
    """Be the child: call, tell the parent, and end."""
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        os.environ["TMPDIR"] = str(temporary)
        os.environ.pop("GENPROBE_DATA_DIR", None)
        said, *streams = writing
        redirect(streams)
        set_limits()
        found = outcome_of(call)
        sys.stdout.flush()
        sys.stderr.flush()
        with os.fdopen(said, "w", encoding="utf-8") as pipe:
            json.dump(found, pipe)
    finally:
        os._exit(0)


def redirect(streams: Sequence[int]) -> None:
    """Let the standard streams of this process be files, and its input empty."""
    import tempfile

    tempfile.tempdir = None
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for target, stream in enumerate([nowhere, *streams]):
        os.dup2(stream, target)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", closefd=False)


def set_limits() -> None:
    """Limit memory and the size of files, and leave no core."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    memory = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def isolated(call: Callable[[], Any]) -> Any:
    """What a call gives in a child of its own, which may mount disks; an exception is raised here.

    Args:
        call: returns plain types.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            try:
                said = json.dumps([call(), None])
            except Exception as error:
                said = json.dumps([None, f"{type(error).__name__}: {error}"])
            with os.fdopen(writing, "w", encoding="utf-8") as pipe:
                pipe.write(said)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "r", encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    found, fault = json.loads(said or '[null, "it ended without a word"]')
    if fault is not None:
        raise RuntimeError(fault)
    return found


def outcome_of(call: Callable[[], Any]) -> dict[str, Any]:
    """What a call gave, as plain types."""
    try:
        return {"status": "done", "answer": call()}
    except Refused as refused:
        return {"status": "refused", "code": refused.code}
    except GenprobeError as error:
        print(f"Error: {error}", file=sys.stderr)
        return {"status": "refused", "code": 2 if isinstance(error, UsageError) else 1}
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        traceback.print_exc()
        place = f"{'/'.join(Path(last.filename).parts[-2:])}:{last.name}"
        return {"status": "raised", "where": f"{type(error).__name__} in {place}"}


def read_until_exit(reading: Sequence[int], child: int, deadline: float) -> tuple[list[str], bool]:
    """What comes out of some pipes, which are closed then.

    Args:
        reading: ends of the pipes.
        child: that writes into them, as may what it has started.
        deadline: on the monotonic clock.

    Returns:
        The texts, and whether the child had ended by the deadline.
    """
    found = {pipe: bytearray() for pipe in reading}
    with os.fdopen(os.pidfd_open(child)) as process, contextlib.ExitStack() as closing:
        for pipe in reading:
            closing.callback(os.close, pipe)
            os.set_blocking(pipe, False)
        waiting = [*reading, process]
        while waiting:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select(waiting, [], [], left)
            if not ready:
                break
            for pipe in ready:
                chunk = b"" if pipe is process else os.read(pipe, 1 << 16)
                if chunk:
                    found[pipe] += chunk
                elif pipe is not process:
                    waiting.remove(pipe)
            if ready == [process]:
                waiting.clear()
        return [text.decode(errors="replace") for text in found.values()], not waiting


def kill_session(leader: int) -> None:
    """End a child and whatever it has started and left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
