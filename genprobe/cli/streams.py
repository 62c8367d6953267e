"""Standard output and error of the program: whatever is wrong with them, the work goes on.

A sign that the encoding lacks is spelt out. Once the system has refused to write, as into a full
disk or a pipe that nobody reads, the rest is dropped: files that were asked for are written all the
same, and the program ends with exit code 1.
"""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import click

from genprobe.cli.spelling import in_encoding


class Stream:
    """A text stream to which writing raises nothing.

    Args:
        stream: to be written to; None if it was closed before the program began.

    Attributes:
        fault: the first that the system made, None if there was none.
        buffer: None; click would else write past this where the encoding is ASCII.
    """

    buffer = None

    def __init__(self, stream: TextIO | None) -> None:
        self.fault = None if stream is not None else OSError(errno.EBADF, "It is closed")
        self._stream = io.StringIO() if stream is None else stream

    @property
    def encoding(self) -> str:
        """Of what is written."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write a text, unless an earlier one could not be written."""
        if not isinstance(text, str):
            raise TypeError(f"a text is to be written, not {type(text).__name__}")
        self._attempt(lambda: self._stream.write(in_encoding(text, self.encoding)))
        return len(text)

    def flush(self) -> None:
        """Hand over to the system what was written."""
        self._attempt(self._stream.flush)

    def _attempt(self, step: Callable[[], object]) -> None:
        if self.fault is not None:
            return
        try:
            step()
        except OSError as error:
            self.fault = error
        except ValueError:
            self.fault = OSError(errno.EBADF, "It is closed")

    def drop_rest(self) -> None:
        """After a fault, let what is still buffered go nowhere, rather than fail at the exit."""
        if self.fault is not None:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """Standard output and error that cost no work; a fault of standard output is told at the end.

    Raises:
        SystemExit: with 1 in the place of 0, if something could not be written to standard output.
    """
    before = sys.stdout, sys.stderr
    out, err = Stream(before[0]), Stream(before[1])
    occupy_descriptors()
    sys.stdout, sys.stderr = out, err
    code: object = None
    try:
        yield
    except SystemExit as end:
        code = end.code
        raise
    finally:
        out.flush()
        if out.fault is not None and out.fault.errno != errno.EPIPE:
            click.echo(f"Error: Standard output cannot be written: {out.fault.strerror}.", err=True)
        err.flush()
        sys.stdout, sys.stderr = before
        out.drop_rest()
        err.drop_rest()
        if out.fault is not None and not code and isinstance(sys.exception(), SystemExit | None):
            raise SystemExit(1)


def occupy_descriptors() -> None:
    """Open what was closed of 0, 1 and 2, or the next file opened would be standard output."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free
