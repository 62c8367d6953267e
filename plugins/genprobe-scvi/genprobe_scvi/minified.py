"""Posteriors that ``minify_adata`` kept in ``.obsm`` of an .h5ad file: no model is needed.

    .obsm["scvi_latent_qzm"]    means of q(z|x)
    .obsm["scvi_latent_qzv"]    variances, not scales

or any other pair of names that end so: ``minified:cells.h5ad::X_latent`` names one. What they were
made of is not needed, so nothing has to be aligned; without a decoder there is no distortion. The
prior is in no such file: it is N(0, I) for what SCVI, LinearSCVI and MULTIVI keep, and classes with
another are refused.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from genprobe.errors import ModelError
from genprobe.loaders import Rows, record
from genprobe.types import Loader, Model
from genprobe_scvi.anndata_file import is_table, names_of, opened

log = logging.getLogger("genprobe")

STANDARD = ("scvi_latent", "ldvae_latent", "multivi_latent")
"""What minify_adata calls the posteriors of classes whose prior is N(0, I)."""
OTHERS = {
    "scanvi_latent": "SCANVI, whose prior of z is not N(0, I): it goes over labels and another "
    "code and has no density in closed form",
    "totalvi_latent": "TOTALVI, which has a second code, the background of its proteins, that is "
    "not kept",
}
"""The same of other classes, and why a rate under N(0, I) would not be theirs."""
MEAN, VARIANCE = "_qzm", "_qzv"


def load_minified(path: Path, trust: bool) -> Model:
    """The posteriors in an .h5ad file or .zarr folder; rows stay on disk.

    Args:
        path: of the file, perhaps with ``::NAME`` for the pair NAME_qzm, NAME_qzv.
        trust: not needed; nothing in it can run.

    Raises:
        ModelError: if it has no such pair, or several and none is named, or they are of a class
            whose prior is not N(0, I).
        DataError: if it is damaged.
    """
    location, _, wanted = str(path).partition("::")
    place = Path(location)
    if not place.exists():
        raise ModelError(f"There is no {place}.", "Check the path.")
    with opened(place) as file:
        found = pairs(file)
        if not found:
            raise no_posteriors(place, file)
        name = choose(place, found, wanted)
        require_standard_prior(place, file, name)
        mean, variance = (rows_of(file[f"obsm/{name}{end}"]) for end in (MEAN, VARIANCE))
        return record(
            {"loc": mean, "scale": rooted(variance)}, None, {}, name=place.stem, dataset=place.stem
        )


def no_posteriors(path: Path, file: Any) -> ModelError:
    """What a file without posteriors is: data."""
    cells, genes = (len(names_of(file[axis])) for axis in ("obs", "var"))
    return ModelError(
        f"{path} is a table of {cells} cells and {genes} genes and has no posteriors "
        f"({MEAN}, {VARIANCE} in .obsm): it is data, not a model.",
        f"Give it to a model: genprobe evaluate MODEL_FOLDER --data {path}; or keep the "
        "posteriors of one with minify_adata.",
    )


def pairs(file: Any) -> list[str]:
    """Names for which ``.obsm`` has both means and variances."""
    kept = set(file["obsm"]) if "obsm" in file else set()
    stems = [name.removesuffix(MEAN) for name in sorted(kept) if name.endswith(MEAN)]
    return [stem for stem in stems if stem + VARIANCE in kept]


def choose(path: Path, found: list[str], wanted: str) -> str:
    """The pair of that name; without one what minify_adata kept, or the only one.

    Raises:
        ModelError: if there is none of that name, or several and none is named.
    """
    if wanted in found:
        return wanted
    kept = [name for name in (*STANDARD, *OTHERS) if name in found] or found
    if not wanted and (len(found) == 1 or kept is not found):
        return kept[0]
    raise ModelError(
        f"{path} has no posteriors {wanted or STANDARD[0]!r} ({MEAN}, {VARIANCE}); it has "
        f"{', '.join(found)}.",
        f"Name a pair: minified:{path}::NAME.",
    )


def require_standard_prior(path: Path, file: Any, name: str) -> None:
    """Check that N(0, I) is the prior of a pair, as far as the file says.

    Raises:
        ModelError: if it is of a class with another, or has the means of such a pair.
    """
    there = set(file["obsm"])
    for other, why in OTHERS.items():
        if other + MEAN in there and (name == other or same_means(file, name, other)):
            raise ModelError(
                f"The posteriors {name} in {path} are of {why}.",
                "Evaluate an SCVI model of these cells; or give posteriors and prior as arrays, "
                "see genprobe.evaluate_posteriors.",
            )
    if name not in STANDARD:
        log.warning(
            "%s: the prior of %s is taken to be N(0, I), as that of SCVI is; the file does not say "
            "which model they are of.",
            path,
            name,
        )


def same_means(file: Any, name: str, other: str) -> bool:
    """Whether two pairs have the same means."""
    first, second = (file[f"obsm/{stem}{MEAN}"] for stem in (name, other))
    mine, theirs = rows_of(first).whole(), rows_of(second).whole()
    return mine.shape == theirs.shape and bool(np.array_equal(mine, theirs))


def rows_of(item: Any) -> Rows:
    """The rows of an array of HDF5 or Zarr, or of the table of one."""
    from anndata.io import read_elem

    values = item if hasattr(item, "dtype") else np.asarray(read_elem(item))

    def read(start: int, stop: int) -> np.ndarray:
        return np.asarray(values[start:stop])

    return Rows(shape=tuple(values.shape), dtype=np.dtype(values.dtype), read=read)


def rooted(variance: Rows) -> Rows:
    """Scales, the roots of some variances."""

    def read(start: int, stop: int) -> np.ndarray:
        values: np.ndarray = np.sqrt(variance.read(start, stop))
        return values

    return Rows(shape=variance.shape, dtype=variance.dtype, read=read)


def recognises(path: Path) -> bool:
    """Whether it is an .h5ad file or .zarr folder; the loader says if it has no posteriors."""
    return is_table(Path(str(path).partition("::")[0]))


minified = Loader(scheme="minified", recognises=recognises, load=load_minified)
