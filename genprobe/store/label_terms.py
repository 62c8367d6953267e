"""What the cached report's label information is a mean of, in ``STORE.report.labels.npz``.

With these terms two models' label information can be compared on the same examples without fitting
anything again. Nothing depends on the file: without it, or with one of another report, the
difference is not paired.
"""

import json
import logging
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genprobe.report import Report
from genprobe.runtime.output_file import replace_file

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger("genprobe")

SUFFIX = ".report.labels.npz"


def terms_path(store: Path) -> Path:
    """The file of the terms of a store's cached report."""
    return store.with_name(store.name + SUFFIX)


def write_label_terms(report: Report, store: Path, checksum: str) -> None:
    """Write the terms of a cached report, whole or not at all; nothing if it has none.

    Args:
        report: that is cached.
        store: its path.
        checksum: of the cached report.

    Raises:
        OSError: if they cannot be written.
    """
    known = {name: each.terms for name, each in report.labels.items() if each.terms is not None}
    if not known:
        return
    about = np.array(json.dumps({"report": checksum, "labels": list(known)}))
    arrays = {str(i): np.asarray(terms, np.float64) for i, terms in enumerate(known.values())}
    content = BytesIO()
    np.savez_compressed(content, about=about, **arrays)  # type: ignore[arg-type]
    replace_file(terms_path(store), lambda file: file.write(content.getvalue()))


def read_label_terms(store: Path, checksum: str, n: int) -> "dict[str, Tensor]":
    """The terms (n,) of a cached report by label, NaN where an example has none; empty without.

    Args:
        store: path of the store.
        checksum: of the cached report.
        n: number of examples.
    """
    path = terms_path(store)
    if not path.is_file():
        return {}
    import torch

    from genprobe.datasets.npz import npz_arrays

    try:
        arrays = npz_arrays(path)
        about = json.loads(str(arrays["about"].whole))
        if about["report"] != checksum:
            return {}
        known = {str(name): arrays[str(i)] for i, name in enumerate(about["labels"])}
        fits = all(v.shape == (n,) and v.dtype == np.float64 for v in known.values())
        found = {name: v.whole for name, v in known.items()} if fits else {}
    except Exception as error:  # numpy raises almost anything
        log.info("%s does not read: %s", path, error)
        return {}
    return {name: torch.from_numpy(v) for name, v in found.items()}
