"""Evaluating one model on one data set: load, encode into a store, estimate from the store."""

import contextlib
import functools
import inspect
import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import torch

from genprobe.aggregate.fitted import FittedMarginal
from genprobe.aggregate.queries import dismiss, follow
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts
from genprobe.analysis.report import fit_ladder, report_from_store, require_positive
from genprobe.datasets.unseen import unseen
from genprobe.encoding.encode import Parts, encode
from genprobe.encoding.pictures import draw_pictures
from genprobe.encoding.resolve import prepare
from genprobe.errors import (
    DataError,
    GenprobeError,
    ModelError,
    StoreError,
    UnavailableError,
    UsageError,
    reason_of,
)
from genprobe.estimators.quantities import Estimator, require_known
from genprobe.loaders.open import load, open_dataset
from genprobe.loaders.recorded import from_posteriors
from genprobe.plugins import plugins
from genprobe.report import Report
from genprobe.runtime.progress import Progress, showing
from genprobe.runtime.ranks import ALONE, Ranks, from_leader, joined, own_gpu, together
from genprobe.store.format import Header, require_same
from genprobe.store.fresh import conclude, encoded, partial_of
from genprobe.store.pictures import save_pictures
from genprobe.store.read import Store, open_store
from genprobe.store.report_cache import keep
from genprobe.store.shards import drop_leftovers
from genprobe.store.write import StoreWriter
from genprobe.types import Dataset, Family, Likelihood, Model, PriorLike

log = logging.getLogger("genprobe")

BATCH_VALUES = 1 << 20
DTYPES = ("float32", "float64")
SHOWN_ONLY = ("progress", "pictures")
"""Options that change no number of a report."""


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
    prior: PriorLike | None = None,
    entropy: float | None = None,
    bin_width: float | None = None,
    binarize: str | None = None,
    estimators: Mapping[str, Estimator] | None = None,
    progress: bool | Progress = False,
    cuts: Cuts = DEFAULT_CUTS,
    split: str | None = None,
    fresh: bool = False,
    trust: bool = False,
    factory: str | None = None,
    family: str | None = None,
    pictures: bool | None = None,
) -> Report:
    """Evaluate a model on data: rate, distortion, mutual information, marginal KL, regime.

    Under torchrun every rank must call it alike; each encodes a share of the data and gets the
    report.

    Args:
        model: a Model, a path, or ``scheme:path``.
        data: a name, a path, an array, a tensor, a Dataset or a DataLoader; by default what a
            bundle says it was trained on. A file of posteriors needs none.
        store: where to keep what the model said of each example, and beside it the report (in
            STORE.report.json); by default nowhere.
        draws: posterior draws per example.
        tolerance: wanted Monte Carlo standard error of I(n;z), nats.
        max_queries: most queries of the aggregate posterior.
        batch_size: examples a call of the model; chosen from their size by default.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        dtype: ``float32`` or ``float64``, of model and parameters.
        seed: of the draws, of the queries and of stochastic binarisation.
        prior: another prior than the model's, as a Model takes it; nothing is encoded anew for it.
        entropy: an upper bound on the entropy of the data, nats.
        bin_width: δ of quantised data under a density.
        binarize: ``none``, ``threshold`` or ``stochastic``; by default as a bundle was trained.
        estimators: by name; by default every registered one.
        progress: show progress on standard error if it is a terminal; or a display of your own.
        cuts: thresholds of the regimes.
        split: of a named data set.
        fresh: encode again even if the store has it already. The old store stays until the new one
            is finished; if that was interrupted, the same call goes on from what it had encoded.
        trust: let code in the checkpoint run.
        factory: ``MODULE:FACTORY`` that builds the model of a checkpoint.
        family: of a file of posteriors that does not name its own.
        pictures: keep pictures of what the model makes of images beside the store, for the HTML
            report; by default where a store is kept.

    Returns:
        The report; everything in nats per example.

    Raises:
        GenprobeError: for any fault of the input, saying what, where and what to do.
    """
    asked = described(locals())
    with (
        joined(device) as ranks,
        showing(progress if ranks.leads else False) as shown,
        keeping(store, ranks) as path,
        answering(device, store is not None),
    ):
        with together(ranks):
            require_options(draws, tolerance, max_queries, batch_size, dtype, bin_width, entropy)
            for name, estimator in (estimators or {}).items():
                require_known(name, estimator)
            if not isinstance(model, Model):
                model = load(model, factory=factory, trust=trust)
            if family is not None:
                model = with_family(model, family)
            dataset = data_of(model, data, split, binarize, seed)
            place_of = choose_device(device)
            header, parts = prepare(
                model, dataset, draws=draws, seed=seed, dtype=dtype, device=place_of
            )
        size = batch_size or max(1, min(1024, BATCH_VALUES // max(1, dataset.event_shape.numel())))
        filled = fill(
            path,
            header,
            parts,
            dataset,
            fresh=fresh,
            batch_size=size,
            device=place_of,
            progress=shown,
            ranks=ranks,
        )
        # The pairs are float32 but their sums are float64, which only a CPU and CUDA have.
        works_on = place_of if place_of.type == "cuda" else None
        fit = functools.cache(lambda: fit_ladder(filled, parts.posterior, shown))
        report = led(
            ranks,
            filled,
            parts.posterior,
            works_on,
            lambda: report_from_store(
                filled,
                parts=parts,
                prior=prior,
                tolerance=tolerance,
                max_queries=max_queries,
                entropy=entropy,
                bin_width=bin_width,
                estimators=estimators,
                cuts=cuts,
                device=works_on,
                progress=shown,
                provenance={
                    "device": str(place_of),
                    "batch_size": size,
                    "ranks": ranks.size,
                    "store": store and str(store),
                    "asked": asked,
                },
                ranks=ranks,
                fit=fit,
            ),
        )
        with together(ranks):
            if store is not None and ranks.leads:
                keep(report, path)
        if ranks.leads and (store is not None if pictures is None else pictures):
            keep_pictures(report, parts, dataset, fit, place_of, size)
        if ranks.leads:
            conclude(path)
        if store is None and ranks.leads:
            weakref.finalize(report.store, shutil.rmtree, path.parent, ignore_errors=True)
        return report


def described(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked of ``evaluate``, as plain facts; what has no text of its own is None.

    Args:
        options: its arguments by name.
    """
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    defaults = {k: p.default for k, p in inspect.signature(evaluate).parameters.items()}
    return {
        k: v if isinstance(v, str | int | float) else None
        for k, v in plain.items()
        if k == "model" or (k not in SHOWN_ONLY and differs(v, defaults[k]))
    }


def differs(value: Any, default: Any) -> bool:
    """Whether an option is not its default; arrays and tensors are not compared value by value."""
    if isinstance(value, str | int | float):
        return bool(value != default)
    return value is not default


def keep_pictures(
    report: Report,
    parts: Parts,
    dataset: Dataset,
    fit: Callable[[], FittedMarginal],
    device: torch.device,
    batch_size: int,
) -> None:
    """Draw what the model makes of images, beside the report's store; never at the report's cost.

    Args:
        report: holds its store.
        parts: the model.
        dataset: that it was evaluated on.
        fit: gives the fitted marginal of the report.
        device: of the model.
        batch_size: codes a call of the decoder.
    """
    if report.store is None:
        return
    absent = report.provenance["absent"].get("rate_fitted_prior", "No prior was fitted.")
    known = "rate_fitted_prior" in report.estimates
    try:
        drawn = draw_pictures(
            parts,
            dataset,
            report.store,
            report.dimensions,
            fit if known else functools.partial(refuse, absent),
            device=device,
            batch_size=batch_size,
        )
        if drawn is not None:
            save_pictures(report.store, drawn)
    except Exception as error:
        log.warning("No pictures were kept. %s", reason_of(error))
        log.debug("While pictures were drawn:", exc_info=error)


def refuse(reason: str) -> NoReturn:
    """Say why there is nothing.

    Raises:
        UnavailableError: always.
    """
    raise UnavailableError(reason)


def evaluate_posteriors(
    params: Mapping[str, Any],
    *,
    family: str | Family = "diagonal-normal",
    prior: PriorLike = "standard-normal",
    prior_params: Mapping[str, Any] | None = None,
    distortion: Any = None,
    likelihood: str | Likelihood | None = None,
    name: str = "posteriors",
    data: Any = None,
    dataset: str | None = None,
    event_shape: Sequence[int] | None = None,
    **options: Any,
) -> Report:
    """Evaluate posteriors that were worked out elsewhere: in JAX, TensorFlow, R; no model needed.

    What needs the model (slope, IWAE bound, generative mutual information) is absent.

    Args:
        params: parameters of q(z|x) by the family's names, each (n, ...): numpy, torch, or
            anything that numpy takes. Nothing is copied whole.
        family: of the posteriors.
        prior: p(z).
        prior_params: tensors of a prior given by its name.
        distortion: −log p(x|z) in nats with every constant, (n,) or (draws, n).
        likelihood: what the distortion is minus the log of; says whether it is of probabilities.
        name: what tables call the model.
        data: the data themselves, for their name, hash and shape, if they are at hand.
        dataset: else their name; posteriors of one name and length can be compared.
        event_shape: shape of one example, for bits per dimension and bin widths.
        options: those of ``evaluate`` that need no model, such as ``store`` and ``tolerance``.

    Returns:
        The report; everything in nats per example.

    Raises:
        GenprobeError: for any fault of the input, saying what, where and what to do.
    """
    model = from_posteriors(
        params,
        family=family,
        prior=prior,
        prior_params=prior_params,
        distortion=distortion,
        likelihood=likelihood,
        name=name,
        dataset=dataset,
        event_shape=event_shape,
    )
    return evaluate(model, data, **options)


def with_family(model: Model, family: str) -> Model:
    """A record of posteriors, read as of another family.

    Raises:
        ModelError: if the model is no record and so has a family of its own.
    """
    if model.recorded is None:
        raise ModelError(
            f"The model {model.name} names its own posterior family.",
            "Leave --family out; it is for files of posteriors.",
        )
    return replace(model, posterior=family)


def led(
    ranks: Ranks,
    store: Store,
    family: Family,
    device: torch.device | None,
    make: Callable[[], Report],
) -> Report:
    """The report, on every rank: rank 0 makes it, the others take part in its queries.

    Where rank 0 ends over a fault in a query, the rank that met the fault raises it too.

    Args:
        ranks: the group.
        store: finished.
        family: of its posteriors.
        device: where pairs are worked out; the CPU by default.
        make: makes the report.
    """
    report: Report | None = None
    fault: Exception | None = None
    if ranks.leads:
        try:
            report = make()
        except Exception as error:
            fault = error
        dismiss(ranks)
    else:
        fault = follow(store, family, device, ranks)
    made: list[Report] = from_leader([] if report is None else [report], ranks)
    with together(ranks):
        if fault is not None and not made:
            raise fault
    return made[0]


def data_of(model: Model, data: Any, split: str | None, binarize: str | None, seed: int) -> Dataset:
    """The data set that was named, or what the model's bundle says it was trained on.

    Raises:
        DataError: if neither says.
    """
    source = model.training.get("data") if data is None else data
    if source is None and model.recorded is not None:
        if split is not None or binarize not in (None, "none"):
            raise DataError(
                f"{model.name} holds posteriors and no data to split or binarise.",
                "Leave --split and --binarize out, or name the data with --data.",
            )
        known = model.recorded
        name = known.dataset or f"unnamed data of {model.name}"
        return unseen(name, known.n, known.event_shape)
    if source is None:
        raise DataError(
            f"The model {model.name} does not say what data it is for.", "Name them with --data."
        )
    mode = model.training.get("binarize") if binarize is None else binarize
    return open_dataset(source, split=split, binarize=mode, seed=seed)


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
        UsageError: naming the first that makes no sense.
    """
    require_positive(
        draws=draws,
        tolerance=tolerance,
        max_queries=max_queries,
        batch_size=batch_size,
        bin_width=bin_width,
        entropy=entropy,
    )
    if dtype not in DTYPES:
        raise UsageError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes a GPU where there is one, of several ranks its own.

    Raises:
        GenprobeError: if it does not exist here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return own_gpu()
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
        return own_gpu() if str(device) == "cuda" else device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0]
        raise GenprobeError(
            f"The device {name!r} does not work here: {reason}", "Try cpu."
        ) from error


@contextlib.contextmanager
def answering(device: str, kept: bool) -> Iterator[None]:
    """Turn the loss of a device into one clear line.

    Raises:
        GenprobeError: saying what torch said, and that a rerun resumes.
    """
    try:
        yield
    except torch.AcceleratorError as error:
        reason = (str(error).splitlines() or ["unknown"])[0]
        raise GenprobeError(
            f"The device {device} stopped answering: {reason}",
            "Run the same command again: it goes on where it stopped."
            if kept
            else "Run it again; with --store it would go on where it stopped.",
        ) from error


@contextlib.contextmanager
def keeping(store: str | Path | None, ranks: Ranks = ALONE) -> Iterator[Path]:
    """The path of the store; without one, a temporary path of rank 0 that goes if this fails."""
    if store is not None:
        yield Path(store)
        return
    folder = None
    with together(ranks):
        if ranks.leads:
            folder = tempfile.mkdtemp(prefix="genprobe-")
    try:
        yield Path(from_leader(folder, ranks) or "") / "store.h5"
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise


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
    ranks: Ranks = ALONE,
) -> Store:
    """The finished store of a run: as it is there, resumed, or encoded from the start.

    Raises:
        StoreError: if it belongs to another run or cannot be written.
    """
    # Rank 0 alone looks: a network file system may remember for others that there was nothing.
    with together(ranks):
        there = ranks.leads and is_there(path, header, fresh)
    if from_leader(there, ranks):
        return reused(path, header, fresh, ranks)
    probes = plugins().all("probes")
    with StoreWriter(path, header, fresh=fresh, ranks=ranks) as writer:
        kept = set(range(header.segments)) - set(writer.absent)
        if kept and ranks.leads:
            log.info(
                "Resumed %s: %d of %d segments were encoded before.%s",
                path,
                len(kept),
                header.segments,
                anew(path, fresh),
            )
        total = sum_rows(header, kept.union(writer.mine))
        with together(ranks):
            progress.advance("encode", sum_rows(header, kept), total)
        encode(
            parts,
            dataset,
            writer,
            probes,
            batch_size=batch_size,
            device=device,
            advance=lambda count: progress.advance("encode", count, total),
        )
    with together(ranks):
        return open_store(path)


def is_there(path: Path, header: Header, fresh: bool) -> bool:
    """Whether the store is finished; of a fresh run, by that run itself, before an interrupt."""
    if not fresh:
        return os.path.exists(path)
    if not encoded(path):
        return False
    try:
        require_same(open_store(path).header, header, str(path))
    except StoreError:
        return False
    return True


def anew(path: Path, fresh: bool) -> str:
    """What to do if a fresh run should not go on from where it was interrupted."""
    return f" To begin anew, delete {partial_of(path)}." if fresh else ""


def reused(path: Path, header: Header, fresh: bool, ranks: Ranks) -> Store:
    """The store that an earlier run finished.

    Raises:
        StoreError: if it belongs to another run.
    """
    with together(ranks):
        found = open_store(path)
        require_same(found.header, header, str(path))
        if ranks.leads:
            drop_leftovers(path)
            log.info(
                "Reused %s: all %d examples were encoded before.%s",
                path,
                header.n,
                anew(path, fresh),
            )
    return found


def sum_rows(header: Header, segments: set[int]) -> int:
    """How many examples some segments hold."""
    return sum(stop - start for start, stop in map(header.span, segments))
