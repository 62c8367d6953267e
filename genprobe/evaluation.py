"""Evaluating one model on one data set: load, encode into a store, estimate from the store."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from genprobe.binding import prepare
from genprobe.encode import Parts, encode
from genprobe.errors import DataError, GenprobeError, StoreError
from genprobe.estimators.quantities import Estimator, require_known
from genprobe.loading import load, open_dataset
from genprobe.manager import plugins
from genprobe.progress import Progress, showing
from genprobe.regimes import DEFAULT_CUTS, Cuts
from genprobe.reporting import report_from_store
from genprobe.store.format import Header, require_same
from genprobe.store.read import Store, open_store
from genprobe.store.write import StoreWriter
from genprobe.types import Dataset, Model, Prior, Report

log = logging.getLogger("genprobe")

BATCH_VALUES = 1 << 20
DTYPES = ("float32", "float64")


def evaluate(
    model: Model | str | Path,
    data: Any = None,
    *,
    store: str | Path | None = None,
    draws: int = 1,
    tolerance: float = 0.01,
    max_queries: int | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    dtype: str = "float32",
    seed: int = 0,
    prior: str | Prior | None = None,
    entropy: float | None = None,
    bin_width: float | None = None,
    binarize: str | None = None,
    estimators: Mapping[str, Estimator] | None = None,
    progress: bool = False,
    cuts: Cuts = DEFAULT_CUTS,
    split: str | None = None,
    fresh: bool = False,
    trust: bool = False,
    factory: str | None = None,
) -> Report:
    """Evaluate a model on data: rate, distortion, mutual information, marginal KL, regime.

    Args:
        model: a Model, a path, or ``scheme:path``.
        data: a name, a path, an array, a tensor, a Dataset or a DataLoader; by default what a
            bundle says it was trained on.
        store: where to keep what the model said of each example; by default nowhere.
        draws: posterior draws per example.
        tolerance: wanted Monte Carlo standard error of I(n;z), nats.
        max_queries: most queries of the aggregate posterior.
        batch_size: examples a call of the model; chosen from their size by default.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        dtype: ``float32`` or ``float64``, of model and parameters.
        seed: of the draws, of the queries and of stochastic binarisation.
        prior: another prior than the model's, by name; nothing is encoded anew for it.
        entropy: an upper bound on the entropy of the data, nats.
        bin_width: δ of quantised data under a density.
        binarize: ``none``, ``threshold`` or ``stochastic``; by default as a bundle was trained.
        estimators: by name; by default every registered one.
        progress: show progress on standard error if it is a terminal.
        cuts: thresholds of the regimes.
        split: of a named data set.
        fresh: encode again even if the store has it already.
        trust: let code in the checkpoint run.
        factory: ``MODULE:FACTORY`` that builds the model of a checkpoint.

    Returns:
        The report; everything in nats per example.

    Raises:
        GenprobeError: for any fault of the input, saying what, where and what to do.
    """
    require_options(draws, tolerance, max_queries, batch_size, dtype, bin_width, entropy)
    estimators = plugins().all("estimators") if estimators is None else estimators
    for name, estimator in estimators.items():
        require_known(name, estimator)
    if not isinstance(model, Model):
        model = load(model, factory=factory, trust=trust)
    source = model.training.get("data") if data is None else data
    if source is None:
        raise DataError(
            f"The model {model.name} does not say what data it is for.", "Name them with --data."
        )
    mode = model.training.get("binarize") if binarize is None else binarize
    dataset = open_dataset(source, split=split, binarize=mode, seed=seed)
    place_of = choose_device(device)
    size = batch_size or max(1, min(1024, BATCH_VALUES // max(1, dataset.event_shape.numel())))
    with showing(progress) as shown, keeping(store) as path:
        header, parts = prepare(
            model, dataset, draws=draws, seed=seed, dtype=dtype, device=place_of
        )
        filled = fill(
            path,
            header,
            parts,
            dataset,
            fresh=fresh,
            batch_size=size,
            device=place_of,
            progress=shown,
        )
        return report_from_store(
            filled,
            parts=parts,
            prior=prior,
            tolerance=tolerance,
            max_queries=max_queries,
            entropy=entropy,
            bin_width=bin_width,
            estimators=estimators,
            cuts=cuts,
            device=place_of if place_of.type == "cuda" else None,  # others have no float64
            progress=shown,
            provenance={"device": str(place_of), "batch_size": size, "store": store and str(store)},
        )


def require_options(
    draws: int,
    tolerance: float,
    max_queries: int | None,
    batch_size: int | None,
    dtype: str,
    bin_width: float | None,
    entropy: float | None,
) -> None:
    """Check the numbers that a user chose.

    Raises:
        GenprobeError: naming the first that makes no sense.
    """
    for name, value in (
        ("draws", draws),
        ("tolerance", tolerance),
        ("max_queries", max_queries),
        ("batch_size", batch_size),
        ("bin_width", bin_width),
        ("entropy", entropy),
    ):
        if value is not None and not value > 0:
            raise GenprobeError(f"{name} must be positive, not {value}.")
    if dtype not in DTYPES:
        raise GenprobeError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes a GPU where there is one.

    Raises:
        GenprobeError: if it does not exist here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0]
        raise GenprobeError(
            f"The device {name!r} does not work here: {reason}", "Try cpu."
        ) from error
    return device


@contextlib.contextmanager
def keeping(store: str | Path | None) -> Iterator[Path]:
    """The path of the store; without one, a temporary path that goes afterwards."""
    if store is not None:
        yield Path(store)
        return
    with tempfile.TemporaryDirectory(prefix="genprobe-") as folder:
        yield Path(folder) / "store.h5"


def fill(
    path: Path,
    header: Header,
    parts: Parts,
    dataset: Dataset,
    *,
    fresh: bool,
    batch_size: int,
    device: torch.device,
    progress: Progress,
) -> Store:
    """The finished store of a run: as it is there, resumed, or encoded from the start.

    Raises:
        StoreError: if it belongs to another run or cannot be written.
    """
    if os.path.exists(path) and not fresh:
        found = open_store(path)
        require_same(found.header, header, str(path))
        drop_leftovers(path, header)
        log.info("Reused %s: all %d examples were encoded before.", path, header.n)
        return found
    probes = plugins().all("probes")
    with StoreWriter(path, header, fresh=fresh) as writer:
        missing = writer.missing()
        reused = header.segments - len(missing)
        if reused:
            log.info(
                "Resumed %s: %d of %d segments were encoded before.", path, reused, header.segments
            )
            progress(
                "encode", sum_rows(header, set(range(header.segments)) - set(missing)), header.n
            )
        encode(
            parts,
            dataset,
            writer,
            probes,
            batch_size=batch_size,
            device=device,
            advance=lambda count: progress("encode", count, header.n),
        )
    return open_store(path)


def drop_leftovers(path: Path, header: Header) -> None:
    """Remove what a kill between finishing and cleaning left of a store, unless it is in use."""
    if path.with_name(path.name + ".partial").exists():
        with contextlib.suppress(StoreError), StoreWriter(path, header, fresh=True):
            pass


def sum_rows(header: Header, segments: set[int]) -> int:
    """How many examples some segments hold."""
    return sum(stop - start for start, stop in map(header.span, segments))
