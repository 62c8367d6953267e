"""BD-rate between two sweeps: curves from stores or reports, and an interval over the images.

A point of a curve is a model: the means over images of its rate R and of a quality. The interval is
a percentile bootstrap over images: both sweeps have the same ones, and the same resample of them in
every replicate. Equal examples are resampled together. It says what other images would change, not
what training anew would.
"""

import glob
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

from genprobe import Report, Store, open_store
from genprobe.errors import DataError, GenprobeError, UnavailableError, UsageError
from genprobe_images.bjontegaard_rate import Method, Points, bd_rate, overlap, rising
from genprobe_images.pictures import image_shape

QUALITIES = {"psnr": "PSNR, dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM", "distortion": "−D, nats"}
"""What the quality axis may be, and what it is called."""
LEVEL = 0.95
RESAMPLES = 2000
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


@dataclass(frozen=True, kw_only=True)
class BDRate:
    """The BD-rate of one sweep against another.

    Attributes:
        value: by which share the rate differs at the same quality; −0.1 is a tenth less.
        interval: of 95 %, over images; None where it is not known.
        no_interval: why it is not.
        method: of the interpolation.
        by_method: the value by each method of interpolation.
        quality: name of the quality.
        low: the worst quality that both curves reach.
        high: the best one.
        reference: the curve that the other is compared with.
        curve: the other.
    """

    value: float
    interval: tuple[float, float] | None
    no_interval: str
    method: Method
    by_method: dict[str, float]
    quality: str
    low: float
    high: float
    reference: Curve
    curve: Curve


def compare_sweeps(
    reference: str | Path | Sequence[str | Path],
    other: str | Path | Sequence[str | Path],
    *,
    quality: str = "psnr",
    method: Method = "akima",
    side: str = "held-out",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BDRate:
    """The BD-rate of a sweep against a reference, with an interval over the images.

    Args:
        reference: the folder of a sweep, a pattern of stores or reports, or their paths.
        other: the same of the sweep that is compared.
        quality: ``psnr``, ``ssim``, ``ms_ssim`` or ``distortion`` (−D).
        method: ``akima`` or ``pchip``.
        side: of a sweep's folder: ``held-out`` or ``training``; that which there is, if only one.
        resamples: replicates of the interval.
        seed: of the resamples.

    Raises:
        GenprobeError: if there are no curves, of the same images, that rise and overlap.
    """
    if quality not in QUALITIES:
        raise UsageError(
            f"There is no quality {quality!r}.", f"Name one of {', '.join(QUALITIES)}."
        )
    one, two = (curve_of(source, quality, side) for source in (reference, other))
    if one.data != two.data:
        raise DataError(
            f"{one.name} and {two.name} are of different data: their rates do not compare.",
            "Evaluate both sweeps on the same images.",
        )
    points = (one.rates, one.qualities, two.rates, two.qualities)
    by_method = {way: bd_rate(*points, method=way) for way in ("akima", "pchip")}
    low, high = overlap(rising(one.name, *points[:2])[1], rising(two.name, *points[2:])[1])
    interval, reason = interval_of(one, two, method, resamples, seed)
    return BDRate(
        value=bd_rate(*points, method=method),
        interval=interval,
        no_interval=reason,
        method=method,
        by_method=by_method,
        quality=quality,
        low=low,
        high=high,
        reference=one,
        curve=two,
    )


def interval_of(
    one: Curve, two: Curve, method: Method, resamples: int, seed: int
) -> tuple[tuple[float, float] | None, str]:
    """The interval of 95 % over images, or None and why not.

    Args:
        one: the reference.
        two: the other.
        method: of the interpolation.
        resamples: replicates.
        seed: of the resamples.
    """
    columns = (one.rate_each, one.quality_each, two.rate_each, two.quality_each)
    if any(each is None for each in columns) or one.which is None or two.which is None:
        return None, "it takes the stores of all models"
    if not np.array_equal(one.which, two.which):
        return None, "the stores hold other images, or in another order"
    each = np.concatenate([column for column in columns if column is not None])
    means = resampled_means(each, one.which, resamples, seed)
    cuts = np.cumsum([len(column) for column in columns if column is not None])[:-1]
    found, lost = [], 0
    for row in means:
        try:
            found.append(bd_rate(*np.split(row, cuts), method=method))
        except DataError:
            lost += 1
    if lost:
        return None, f"in {lost} of {resamples} resamples of the images a curve does not rise"
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(found, [tail, 100 - tail])
    return (float(low), float(high)), ""


def resampled_means(
    each: Float64[np.ndarray, "columns n"], which: np.ndarray, resamples: int, seed: int
) -> Float64[np.ndarray, "resamples columns"]:
    """Means of columns over resamples of the distinct images, the same ones for all columns.

    Args:
        each: (columns, n).
        which: (n,) the distinct image that each is.
        resamples: replicates.
        seed: of the resamples.
    """
    _, cluster, sizes = np.unique(which, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), len(each) + 1))
    np.add.at(sums, cluster, np.column_stack([each.T, np.ones(each.shape[1])]))
    generator = np.random.default_rng(seed)
    means = []
    for _ in range(resamples):
        drawn = np.bincount(generator.integers(len(sizes), size=len(sizes)), minlength=len(sizes))
        totals = drawn @ sums
        means.append(totals[:-1] / totals[-1])
    return np.stack(means)


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
    from genprobe import report_from_store

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
