"""Posteriors that ``minify_adata`` kept in ``.obsm`` of an .h5ad file: no model is needed.

    .obsm["scvi_latent_qzm"]    means of q(z|x)
    .obsm["scvi_latent_qzv"]    variances, not scales

or any other pair of names that end so: ``minified:cells.h5ad::X_latent`` names one. What they were
made of is not needed, so nothing has to be aligned; without a decoder there is no distortion.
"""

from pathlib import Path

import h5py
import numpy as np

from genprobe.errors import ModelError
from genprobe.loaders import Rows, h5_rows, record
from genprobe.types import Loader, Model
from genprobe_scvi.h5ad import is_h5ad, opened

KEPT = "scvi_latent"
MEAN, VARIANCE = "_qzm", "_qzv"


def load_minified(path: Path, trust: bool) -> Model:
    """The posteriors in an .h5ad file; rows stay on disk.

    Args:
        path: of the file, perhaps with ``::NAME`` for the pair NAME_qzm, NAME_qzv.
        trust: not needed; nothing in it can run.

    Raises:
        ModelError: if it has no such pair, or several and none is named.
        DataError: if it is damaged.
    """
    location, _, wanted = str(path).partition("::")
    place = Path(location)
    if not place.is_file():
        raise ModelError(f"There is no {place}.", "Check the path.")
    with opened(place) as file:
        name = choose(place, pairs(file), wanted)
        mean, variance = (
            h5_rows(file[f"obsm/{name}{end}"], reverse=False) for end in (MEAN, VARIANCE)
        )
        return record(
            {"loc": mean, "scale": rooted(variance)}, None, {}, name=place.stem, dataset=place.stem
        )


def pairs(file: h5py.File) -> list[str]:
    """Names for which ``.obsm`` has both means and variances."""
    kept = set(file["obsm"]) if "obsm" in file else set()
    stems = [name.removesuffix(MEAN) for name in sorted(kept) if name.endswith(MEAN)]
    return [stem for stem in stems if stem + VARIANCE in kept]


def choose(path: Path, found: list[str], wanted: str) -> str:
    """The pair of that name; without one that of scvi-tools, or the only one.

    Raises:
        ModelError: if there is none, or several and none is named.
    """
    if wanted in found:
        return wanted
    if not wanted and KEPT in found:
        return KEPT
    if not wanted and len(found) == 1:
        return found[0]
    there = ", ".join(found) or "none"
    raise ModelError(
        f"{path} has no posteriors {wanted or KEPT!r} ({MEAN}, {VARIANCE}); it has {there}.",
        f"Name a pair: minified:{path}::NAME." if found else "Keep them with minify_adata.",
    )


def rooted(variance: Rows) -> Rows:
    """Scales, the roots of some variances."""

    def read(start: int, stop: int) -> np.ndarray:
        values: np.ndarray = np.sqrt(variance.read(start, stop))
        return values

    return Rows(shape=variance.shape, dtype=variance.dtype, read=read)


def recognises(path: Path) -> bool:
    """Whether it is an .h5ad file with posteriors."""
    place = Path(str(path).partition("::")[0])
    if not is_h5ad(place):
        return False
    try:
        with h5py.File(place, "r") as file:
            return bool(pairs(file))
    except (OSError, KeyError, RuntimeError):
        return True  # damaged: the loader says so


minified = Loader(scheme="minified", recognises=recognises, load=load_minified)
