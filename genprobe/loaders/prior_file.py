"""A prior in an .npz file; nothing in it is unpickled.

The members are

prior               the registered name
prior_params/NAME   its tensors
fitted_to           fingerprints of the model and data whose codes it was fitted to; may be absent
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.npz import NpzArray, npz_arrays
from genprobe.errors import ModelError
from genprobe.loaders.posteriors import PRIOR_PREFIX
from genprobe.loaders.rows import REAL
from genprobe.runtime.forgiving_file import ForgivingFile
from genprobe.runtime.output_file import ResultKind, write_result
from genprobe.runtime.untrusted import reading, require_readable
from genprobe.types import NamedPrior, PriorLike

SUFFIX = ".npz"
NAME, FITTED_TO = "prior", "fitted_to"


def prior_from_file(prior: PriorLike | Path) -> PriorLike:
    """The prior in a file, where one is named; any other as it is.

    Args:
        prior: as a model gives it, or the path of an .npz file.

    Raises:
        ModelError: if the file does not read, or holds no prior.

    Example:
        >>> prior_from_file("standard-normal")
        'standard-normal'
    """
    if isinstance(prior, Path) or (isinstance(prior, str) and prior.lower().endswith(SUFFIX)):
        return read_prior(Path(prior))
    return prior


def read_prior(path: Path) -> NamedPrior:
    """The prior in an .npz file.

    Raises:
        ModelError: if it does not read, or holds no prior.
    """
    require_readable(path, "file of a prior", error=ModelError)
    with reading(path, "a file of a prior (.npz)", error=ModelError):
        arrays = npz_arrays(path)
        if NAME not in arrays:
            raise ModelError(
                f"{path} names no prior.", "Write one: genprobe evaluate MODEL --write-prior FILE"
            )
        tensors = {
            key.removeprefix(PRIOR_PREFIX): tensor_of(path, array)
            for key, array in arrays.items()
            if key.startswith(PRIOR_PREFIX)
        }
        of = text_of(arrays[FITTED_TO]) if FITTED_TO in arrays else ""
        return NamedPrior(name=text_of(arrays[NAME]), params=tensors, fitted_to=of)


def text_of(array: NpzArray) -> str:
    """The one string that an array is.

    Raises:
        ValueError: if it is none.
    """
    if array.shape or np.dtype(array.whole.dtype).kind != "U":
        raise ValueError(f"its {array.name} is no text")
    return str(array.whole)


def tensor_of(path: Path, array: NpzArray) -> Tensor:
    """A tensor of the prior, in float64.

    Raises:
        ModelError: if it is not of numbers.
    """
    if array.whole.dtype.kind not in REAL:
        raise ModelError(f"{path} holds {array.whole.dtype} as {array.name}, not real numbers.")
    return torch.from_numpy(array.whole.astype(np.float64))


def write_prior(prior: NamedPrior, path: Path) -> None:
    """Write a prior, for ``evaluate(prior=path)`` and ``--prior``.

    Args:
        prior: by its registered name.
        path: of the .npz file.

    Raises:
        GenprobeError: if it cannot be written, or a file is there that is no prior.
    """
    tensors = {f"{PRIOR_PREFIX}{k}": v.detach().cpu().numpy() for k, v in prior.params.items()}
    texts = {NAME: np.array(prior.name), FITTED_TO: np.array(prior.fitted_to)}

    def write(file: ForgivingFile) -> None:
        np.savez(file, **texts, **tensors)  # type: ignore[arg-type]

    write_result(path, write, PRIOR)


def is_prior(path: Path) -> bool:
    """Whether a file holds a prior and nothing else."""
    try:
        found = npz_arrays(path)
    except Exception:
        return False
    return NAME in found and all(
        key in (NAME, FITTED_TO) or key.startswith(PRIOR_PREFIX) for key in found
    )


PRIOR = ResultKind(name="a genprobe prior", wrote=is_prior)
