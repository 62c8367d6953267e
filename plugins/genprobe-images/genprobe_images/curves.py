"""The rate-distortion curve of a sweep, from its stores or reports.

A point is a model: the means over images of its rate R and of a quality.
"""

import glob
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

from genprobe import Report, Store, open_store, report_from_store
from genprobe.errors import DataError, GenprobeError, UnavailableError
from genprobe_images.bjontegaard_rate import Points
from genprobe_images.pictures import image_shape

QUALITIES = {"psnr": "PSNR, dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM", "distortion": "−D, nats"}
"""What the quality axis may be, and what it is called."""
SIDES = ("held-out", "training")

Each: TypeAlias = Float64[np.ndarray, "points n"]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The models of a sweep, from the lowest rate to the highest.

    Attributes:
        name: of the sweep.
        models: their names.
        rates: (points,) mean rates, nats an example.
        qualities: (points,) mean qualities, larger being better.
        data: fingerprint of the data set.
        pixels: of an image, by which rates are shown in bits a pixel; None if it is none.
        rate_each: (points, n) of every image; None where stores are not at hand.
        quality_each: (points, n) of every image.
        which: (n,) the distinct image that each is.
    """

    name: str
    models: tuple[str, ...]
    rates: Points
    qualities: Points
    data: str
    pixels: int | None = None
    rate_each: Each | None = None
    quality_each: Each | None = None
    which: np.ndarray | None = None


def curve_of(source: str | Path | Sequence[str | Path], quality: str, side: str) -> Curve:
    """The curve of a sweep.

    Args:
        source: folder, pattern or paths.
        quality: name of the quality.
        side: of a sweep's folder.

    Raises:
        GenprobeError: if there are no stores or reports, they are of different data, or one has no
            such quality.
    """
    paths = paths_of(source, side)
    name = str(source) if isinstance(source, str | Path) else str(paths[0])
    stores = all(path.suffix == ".h5" for path in paths)
    if stores:
        return curve_of_stores(name, [open_store(path) for path in paths], quality)
    return curve_of_reports(name, [report_of(path) for path in paths], quality)


def paths_of(source: str | Path | Sequence[str | Path], side: str) -> list[Path]:
    """The stores or reports that a folder, a pattern or a list names.

    Raises:
        GenprobeError: if there is none.
    """
    if not isinstance(source, str | Path):
        return [Path(path) for path in source]
    if Path(source).is_dir():
        sides = [side, *(other for other in SIDES if other != side)]
        by_side = [sorted(Path(source).glob(f"*.{name}.h5")) for name in sides]
        every = [*by_side, sorted(Path(source).glob("*.h5")), sorted(Path(source).glob("*.json"))]
        found = next((paths for paths in every if paths), [])
    else:
        found = sorted(Path(path) for path in glob.glob(str(source), recursive=True))
    if not found:
        raise GenprobeError(
            f"{source} names no stores or reports.",
            "Give the folder of a sweep, or a pattern in quotes such as 'runs/*.h5'.",
        )
    return found


def report_of(path: Path) -> Report:
    """A report from its file, or from its store.

    Raises:
        GenprobeError: if it does not read.
    """
    if path.suffix == ".h5":
        return report_from_store(open_store(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} does not read: {error}.", "Give a report in JSON.") from error
    return Report.from_json(text)


def curve_of_reports(name: str, reports: Sequence[Report], quality: str) -> Curve:
    """The curve of some reports, without what it is of every image.

    Raises:
        DataError: if one lacks a number, or they are of different data.
    """
    sign = -1 if quality == "distortion" else 1
    for report in reports:
        for wanted in ("rate", quality):
            if wanted not in report.estimates:
                raise lacking(report.model, wanted)
    rates = np.array([report["rate"].value for report in reports])
    order = np.argsort(rates, kind="stable")
    return Curve(
        name=name,
        models=tuple(reports[i].model for i in order),
        rates=rates[order],
        qualities=sign * np.array([reports[i][quality].value for i in order]),
        data=one_of(name, [str(r.provenance.get("dataset_fingerprint")) for r in reports]),
        pixels=pixels_of(reports[0].provenance.get("event_shape", ())),
    )


def curve_of_stores(name: str, stores: Sequence[Store], quality: str) -> Curve:
    """The curve of some stores, with what it is of every image.

    Raises:
        DataError: if one lacks a column, or they are of different data.
    """
    sign = -1 if quality == "distortion" else 1
    rate, value = (
        np.stack([column(store, wanted) for store in stores]) for wanted in ("rate", quality)
    )
    order = np.argsort(rate.mean(1), kind="stable")
    rate, value = rate[order], sign * value[order]
    hashes = stores[0].example_hashes()
    which = np.arange(rate.shape[1])
    if hashes is not None:
        which = np.unique(hashes.numpy(), axis=0, return_inverse=True)[1].reshape(-1)
    return Curve(
        name=name,
        models=tuple(stores[i].header.model for i in order),
        rates=rate.mean(1),
        qualities=value.mean(1),
        data=one_of(name, [store.header.dataset_fingerprint for store in stores]),
        pixels=pixels_of(stores[0].header.event_shape),
        rate_each=rate,
        quality_each=value,
        which=which,
    )


def pixels_of(event_shape: Sequence[int]) -> int | None:
    """Height times width of an example; None if it is no image."""
    try:
        return math.prod(image_shape(event_shape)[1:])
    except UnavailableError:
        return None


def column(store: Store, name: str) -> Points:
    """A number of every image, its mean over draws (n,).

    Raises:
        DataError: if the store does not have it of every image, or it is not finite.
    """
    if not store.has(f"probes/{name}"):
        said = [
            n.message for n in store.notices() if n.code == f"probe-absent-{name.replace('_', '-')}"
        ]
        raise lacking(str(store.path), name, *said)
    values: Points = store.column(f"probes/{name}").mean(0).numpy()
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(f"{store.path} has a {name} that is not finite, of example {where}.")
    return values


def lacking(place: str, name: str, *said: str) -> DataError:
    """That a model has no number of that name.

    Args:
        place: the model or its store.
        name: of the number.
        said: why not, if that is known.
    """
    again = "Evaluate it again with genprobe-images installed and --fresh, or give"
    return DataError(
        " ".join([f"{place} has no {name}.", *said]),
        f"{'Give' if said else again} another --quality.",
    )


def one_of(name: str, fingerprints: Sequence[str]) -> str:
    """The data that all models of a sweep were evaluated on.

    Raises:
        DataError: if they were on different data.
    """
    if len(set(fingerprints)) > 1:
        raise DataError(f"{name} has models that were evaluated on different data.")
    return fingerprints[0]
