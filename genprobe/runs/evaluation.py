"""One evaluation from its options to its report: open, encode into a store, estimate, write."""

import functools
import logging
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from genprobe.aggregate.distinct import distinct_examples
from genprobe.aggregate.fitted import FittedMarginal
from genprobe.aggregate.queries import release_ranks, serve_queries
from genprobe.analysis.options import Options
from genprobe.analysis.report import build_report
from genprobe.analysis.stored_quantities import fit_best_marginal, with_files_read
from genprobe.annealing.best_scale import fitting_to
from genprobe.datasets.channels import with_channels
from genprobe.datasets.placeholder import placeholder_dataset
from genprobe.datasets.subset import subset
from genprobe.encoding.resolve import prepare
from genprobe.errors import DataError, ModelError
from genprobe.estimators.call import require_known
from genprobe.loaders.codebook import codebook_of
from genprobe.loaders.factory import own_likelihood
from genprobe.loaders.open import in_layer, load, open_dataset, own_data
from genprobe.report import Report
from genprobe.runs.annealable import require_annealable
from genprobe.runs.chosen_labels import choose_labels, labelled, warn_of_lost_labels
from genprobe.runs.decoder_alone import examples_for, options_for
from genprobe.runs.encoded_store import Run, encoded_store, store_location
from genprobe.runs.inference import warn_of_lost_inference, with_inference
from genprobe.runs.write_pictures import write_pictures
from genprobe.runtime.device import choose_device, explain_device_loss, has_float64
from genprobe.runtime.output_file import paths_named
from genprobe.runtime.progress import Progress, progress_display
from genprobe.runtime.ranks import Ranks, barrier, broadcast_object, process_group
from genprobe.store.own_store import require_own_store
from genprobe.store.read import Store
from genprobe.store.report_cache import write_cached_report
from genprobe.store.run_id import clear_run_id
from genprobe.types import Dataset, Family, Model

log = logging.getLogger("genprobe")

BATCH_VALUES = 1 << 20
"""Values of examples that a batch holds by default."""


def run_evaluation(
    model: Model | nn.Module | str | Path,
    data: Any,
    options: Options,
    *,
    progress: bool | Progress = False,
    command: str | None = None,
) -> Report:
    """Evaluate a model on data, with all options in one record.

    Args:
        model: as ``evaluate`` takes it.
        data: as ``evaluate`` takes it.
        options: what the user chose.
        progress: as ``evaluate`` takes it.
        command: the command line that asked for it, kept in the report's provenance.

    Raises:
        GenprobeError: for any fault of the input, saying what, where and what to do.
    """
    options.require_valid()
    facts = {"asked": options.asked(model, data), **({"command": command} if command else {})}
    options = with_files_read(options)
    with (
        process_group(options.device) as ranks,
        progress_display(progress if ranks.leads else False) as display,
        store_location(options.store, ranks) as path,
        explain_device_loss(options.device, options.store is not None),
    ):
        with barrier(ranks):
            if ranks.leads:
                inputs = paths_named(options.inputs(model, data))
                require_own_store(path, inputs, options.fresh)
                warn_of_lost_labels(options, path)
            model = loaded(model, options)
            options = with_codebook(model, options_for(model, options))
            if ranks.leads:
                warn_of_lost_inference(options, path)
            run = prepare_run(model, data, options, path=path, progress=display, ranks=ranks)
            require_annealable(run, options)
        store = labelled(encoded_store(run, options.fresh), run.labels, ranks)
        store = with_inference(run, store, options)
        family = run.parts.posterior
        # The pairs are float32 but their sums are float64.
        pairs_on = run.device if has_float64(run.device) else None
        fit = functools.cache(lambda: fit_best_marginal(store, family, display))
        make = functools.partial(
            build_report,
            store,
            options,
            parts=run.parts,
            device=pairs_on,
            progress=display,
            ranks=ranks,
            fit=fit,
            provenance={**describe(run, options), **facts},
        )
        report = report_on_every_rank(ranks, store, family, pairs_on, make)
        finish_run(run, report, options, fit)
        return report


def loaded(model: Model | nn.Module | str | Path, options: Options) -> Model:
    """The model that was named; one that is given as it is.

    Raises:
        GenprobeError: if it does not load.
    """
    scale = options.observation_scale
    if not isinstance(model, Model):
        model = load(
            model,
            factory=options.factory,
            weights=options.weights,
            trust=options.trust,
            observation_scale=scale,
        )
    elif scale is not None:
        raise own_likelihood(model)
    return model if options.family is None else with_family(model, options.family)


def with_codebook(model: Model, options: Options) -> Options:
    """The options with the model's own codebook, where it has one and none was given."""
    if model.codebook is None or options.codebook is not None:
        return options
    return replace(options, codebook=codebook_of(model.codebook().detach().cpu()))


def prepare_run(
    model: Model,
    data: Any,
    options: Options,
    *,
    path: Path,
    progress: Progress,
    ranks: Ranks,
) -> Run:
    """Check the options, and open the data and the device.

    Args:
        model: to be evaluated.
        data: as ``evaluate`` takes it.
        options: what the user chose.
        path: of the store.
        progress: display.
        ranks: the group.

    Raises:
        GenprobeError: for any fault of the input.
    """
    for name, estimator in (options.estimators or {}).items():
        require_known(name, estimator)
    whole = choose_data(model, data, options)
    dataset = examples_for(model, limited(whole, options), options)
    labels = choose_labels(options, whole, dataset, path)
    device = choose_device(options.device)
    fitting = max(1, min(1024, BATCH_VALUES // max(1, dataset.event_shape.numel())))
    batch_size = options.batch_size or fitting
    header, parts = prepare(
        model,
        dataset,
        draws=options.draws,
        seed=options.seed,
        dtype=options.dtype,
        device=device,
        batch_size=batch_size,
        without_encoder=fitting_to,
        tolerance=options.tolerance,
        keep_levels=options.keep_levels,
    )
    for part, words in header.training.get("read_as", {}).items() if ranks.leads else ():
        log.info("What %s of %s returns is read thus: %s.", part, header.model, words)
    return Run(
        path=path,
        header=header,
        parts=parts,
        dataset=dataset,
        labels=labels,
        device=device,
        batch_size=batch_size,
        progress=progress,
        ranks=ranks,
        estimators=options.estimators if options.store is None else None,
    )


def describe(run: Run, options: Options) -> dict[str, Any]:
    """The facts of a run that are neither in its store nor in its options."""
    return {
        "device": str(run.device),
        "batch_size": run.batch_size,
        "ranks": run.ranks.size,
        "store": options.store and str(options.store),
        **({"preparation": run.dataset.preparation} if run.dataset.preparation else {}),
        **({} if options.limit is None else {"limit": options.limit}),
    }


def finish_run(
    run: Run, report: Report, options: Options, fit: Callable[[], FittedMarginal]
) -> None:
    """Write the report and pictures of a store; a temporary store is removed with its report.

    Args:
        run: whose report is made.
        report: of the run.
        options: what the user chose.
        fit: gives the fitted marginal of the report.
    """
    stored = options.store is not None
    with barrier(run.ranks):
        if stored and run.ranks.leads:
            write_cached_report(report, run.path)
    if not run.ranks.leads:
        return
    if stored if options.pictures is None else options.pictures:
        write_pictures(run, report, fit)
    clear_run_id(run.path)
    if not stored:
        weakref.finalize(report.store, shutil.rmtree, run.path.parent, ignore_errors=True)


def report_on_every_rank(
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
        release_ranks(ranks)
    else:
        fault = serve_queries(store, family, device, ranks, distinct_examples(store))
    made: list[Report] = broadcast_object([] if report is None else [report], ranks)
    with barrier(ranks):
        if fault is not None and not made:
            raise fault
    return made[0]


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


def choose_data(model: Model, data: Any, options: Options) -> Dataset:
    """The data set that was named, or what the model's bundle says it was trained on.

    Raises:
        DataError: if neither says.
    """
    split, binarize = options.split, options.binarize
    if model.recorded is not None and options.limit is not None:
        raise DataError(
            f"{model.name} holds posteriors, all of which are evaluated: nothing is left to limit.",
            "Leave --limit out, or keep fewer rows in the file.",
        )
    source = own_data(model) if data is None else data
    if source is None and model.recorded is not None:
        wanted = (split, None if binarize == "none" else binarize, options.bytes)
        if any((*wanted, options.input_key, options.covariates)):
            raise DataError(
                f"{model.name} holds posteriors and no data to split, binarise or read in a way.",
                "Leave the options of the data out, or name the data with --data.",
            )
        known = model.recorded
        name = known.dataset or f"unnamed data of {model.name}"
        return placeholder_dataset(name, known.n, known.event_shape)
    if source is None:
        raise DataError(
            f"The model {model.name} does not say what data it is for.", "Name them with --data."
        )
    if options.input_key is None:
        source = in_layer(source, model.training.get("layer"))
    mode = model.training.get("binarize") if binarize is None else binarize
    recorded = model.recorded
    dataset = open_dataset(
        source,
        split=split,
        binarize=mode,
        seed=options.seed,
        bytes=options.bytes,
        input_key=options.input_key,
        covariates=options.covariates,
        likelihood=model.likelihood if recorded is None else recorded.likelihood,
    )
    return with_channels(dataset, model.training.get("channels"))


def limited(dataset: Dataset, options: Options) -> Dataset:
    """As many random examples of the data as the user allows; the log says where all are taken."""
    if options.limit is None:
        return dataset
    if options.limit >= dataset.n:
        log.info("%s has %d examples: all are evaluated.", dataset.name, dataset.n)
    return subset(dataset, options.limit, options.seed)
