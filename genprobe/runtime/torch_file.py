"""Tensors and plain types in a file of torch's, read so that nothing in it runs."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from genprobe.runtime.checked_zip import require_intact


def load_tensors(path: Path) -> Any:
    """The content of a file that ``torch.save`` wrote, on the CPU, its checksums compared.

    Args:
        path: of the file.

    Raises:
        Exception: almost any, of torch's, if it is damaged or holds anything else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save({"weight": torch.ones(2)}, f"{folder}/model.pt")
        ...     load_tensors(Path(folder, "model.pt"))
        {'weight': tensor([1., 1.])}
    """
    require_intact(path)
    # By itself torch would take indices of sparse tensors that lie outside of them.
    with (
        torch.sparse.check_sparse_tensor_invariants(),  # type: ignore[no-untyped-call]
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Detected pickle protocol")
        warnings.filterwarnings("ignore", "Validating sparse tensor invariants")
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            # torch advises to run the file's code.
            raise ValueError("it holds something else than tensors, or is damaged") from error
