"""What SCVI.save wrote, read without running anything of it.

``model.pt`` is a pickle of tensors, plain types and numpy arrays, and of the pandas tables of the
training history. Arrays are rebuilt by numpy; what is pandas' becomes an empty stand-in, since the
history is of no use here; any other import is refused.
"""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders import require_intact, require_readable

KEYS = {"attr_dict", "var_names", "model_state_dict"}
NAME = "model.pt"


def plain_dict(*factory: Any) -> dict[Any, Any]:
    """A dict for a defaultdict, which torch would not fill."""
    return {}


DTYPES = tuple(c for c in vars(np.dtypes).values() if isinstance(c, type))
REBUILD_ARRAY = np.zeros(1).__reduce__()[0]
REBUILD_NUMBER = np.float64(0).__reduce__()[0]
ARRAYS: dict[str, Any] = {
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": np.dtype,
    "numpy._core.multiarray._reconstruct": REBUILD_ARRAY,
    "numpy.core.multiarray._reconstruct": REBUILD_ARRAY,
    "numpy._core.multiarray.scalar": REBUILD_NUMBER,
    "numpy.core.multiarray.scalar": REBUILD_NUMBER,
    "collections.defaultdict": plain_dict,
    "builtins.dict": dict,
    "builtins.bytes": bytes,
    "builtins.slice": slice,
}
"""All that a checkpoint may import, and what it gets for it."""


class Unread:
    """Stands in for a table of the history: takes whatever it is given and keeps nothing."""

    def __new__(cls, *args: Any) -> "Unread":
        """One more of them."""
        return object.__new__(cls)

    def __init__(self, *args: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        """Keep nothing."""


def checkpoint_file(path: Path) -> Path | None:
    """The file that SCVI.save wrote: the path itself, or the one in that folder; None without."""
    if path.is_file():
        return path if path.name.endswith(NAME) else None
    if (path / NAME).is_file():
        return path / NAME
    prefixed = sorted(path.glob(f"*{NAME}")) if path.is_dir() else []
    return prefixed[0] if len(prefixed) == 1 else None


def is_checkpoint(file: Path) -> bool:
    """Whether the pickle in a file names the three parts of an scvi-tools model."""
    try:
        with zipfile.ZipFile(file) as archive:
            [name] = [name for name in archive.namelist() if name.endswith("data.pkl")]
            content = archive.read(name)
    except Exception:  # damaged bytes raise almost anything
        return False
    return all(key.encode() in content for key in KEYS)


def read_checkpoint(file: Path, trust: bool) -> Mapping[str, Any]:
    """The attributes, gene names and weights that SCVI.save wrote.

    Args:
        file: ``model.pt``.
        trust: whether code in it may run.

    Raises:
        UntrustedError: if it would run code, and trust is False.
        ModelError: if it is damaged, or no model of scvi-tools.
    """
    require_readable(file, "model of scvi-tools", error=ModelError)
    try:
        require_intact(file)
        if trust:
            content = torch.load(file, map_location="cpu", weights_only=False)
        else:
            with torch.serialization.safe_globals(permitted(file)):
                content = torch.load(file, map_location="cpu", weights_only=True)
    except UntrustedError:
        raise
    except pickle.UnpicklingError as error:
        raise UntrustedError(
            f"{file} does not load as tensors, arrays and plain types: it is damaged, or would "
            "run code.",
            "If you trust it, give --trust.",
        ) from error
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{file} cannot be read: {reason}", "Save the model again.") from error
    if not isinstance(content, Mapping) or not content.keys() >= KEYS:
        raise ModelError(
            f"{file} is no model of scvi-tools: it lacks {', '.join(sorted(KEYS))}.",
            "Models saved before scvi-tools 0.15 need SCVI.convert_legacy_save.",
        )
    return content


def permitted(file: Path) -> list[Any]:
    """What the pickle in a file may import, as torch's safe globals.

    Raises:
        UntrustedError: naming what else it would import.
    """
    wanted = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(file))
    foreign = [name for name in wanted if name not in ARRAYS and not name.startswith("pandas.")]
    if foreign:
        raise UntrustedError(
            f"{file} would run code: it imports {', '.join(foreign[:3])}.",
            "If you trust it, give --trust.",
        )
    stand_ins = [(Unread, name) for name in wanted if name.startswith("pandas.")]
    return [*((made, name) for name, made in ARRAYS.items()), *stand_ins, *DTYPES]
