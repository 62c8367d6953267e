"""The id of a ``--fresh`` run, which tells whether and where it was interrupted.

A run that encodes a store again draws an id when it begins. The id is in ``STORE.partial/fresh``
until the report is made, and in the store that the run writes. So an id in the folder alone is of a
run that was interrupted while it encoded, and the segments there are its own; an id in both is of a
run that has encoded everything; and without an id in the folder the last such run is done.
"""

import contextlib
from pathlib import Path

from genprobe.errors import GenprobeError, StoreError
from genprobe.runtime.untrusted import read_whole
from genprobe.store.intact import open_file

RUN_ID = "fresh"
"""The file in the partial folder, and the attribute of the store's root."""


def partial_folder(path: Path) -> Path:
    """The folder in which a store is while it is written."""
    return path.with_name(path.name + ".partial")


def pending_run_id(path: Path) -> str:
    """The id of the fresh run that is not done; empty if there is none."""
    try:
        return read_whole(partial_folder(path) / RUN_ID).decode()
    except (GenprobeError, UnicodeDecodeError):
        return ""


def stored_run_id(path: Path) -> str:
    """The id of the fresh run that wrote a finished store; empty if none did."""
    try:
        with open_file(path) as file:
            return str(file.attrs.get(RUN_ID, ""))
    except StoreError:
        return ""


def awaits_report(path: Path) -> bool:
    """Whether a fresh run has finished the store, and only its report is missing."""
    run = pending_run_id(path)
    return bool(run) and run == stored_run_id(path)


def can_resume(path: Path) -> bool:
    """Whether a fresh run was interrupted while it encoded, and can go on."""
    return bool(pending_run_id(path)) and not awaits_report(path)


def clear_run_id(path: Path) -> None:
    """Forget the id of a fresh run whose report is made."""
    if awaits_report(path):
        with contextlib.suppress(OSError):
            (partial_folder(path) / RUN_ID).unlink()
            partial_folder(path).rmdir()
