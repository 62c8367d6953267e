"""Evaluating a model on data, or posteriors that were worked out elsewhere."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from genprobe.analysis.options import Options
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts
from genprobe.estimators.call import Estimator
from genprobe.loaders.recorded import from_posteriors
from genprobe.report import Report
from genprobe.runs.evaluation import run_evaluation
from genprobe.runtime.progress import Progress
from genprobe.types import Family, Likelihood, Model, PriorLike


def evaluate(
    model: Model | nn.Module | str | Path,
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
    estimators: Mapping[str, Estimator] | Collection[str] | None = None,
    progress: bool | Progress = False,
    cuts: Cuts = DEFAULT_CUTS,
    split: str | None = None,
    fresh: bool = False,
    trust: bool = False,
    factory: str | None = None,
    weights: str | None = None,
    family: str | None = None,
    pictures: bool | None = None,
    bytes: str | None = None,
    input_key: str | None = None,
    covariates: Mapping[str, Any] | None = None,
    limit: int | None = None,
    labels: Mapping[str, Any] | Sequence[str] | None = None,
    leaks: Mapping[str, Any] | Sequence[str] | None = None,
    observation_scale: float | str | None = None,
    inference: int | None = None,
    simulate: int | None = None,
    max_steps: int | None = None,
    decoder_curve: bool | Sequence[float] | None = None,
    codebook: Any = None,
    keep_levels: bool = False,
) -> Report:
    """Evaluate a model on data: rate, distortion, mutual information, marginal KL, regime.

    Under torchrun every rank must call it alike; each encodes a share of the data and gets the
    report.

    Args:
        model: a Model, a path, or ``scheme:path``; or a generator, with ``observation_scale``.
        data: a name, a path, an array, a table, a Dataset, a DataLoader (what it yields) or a list
            of items; by default what a bundle says it was trained on. A file of posteriors needs
            none.
        store: where to store what the model gives for each example; the report goes into
            STORE.report.json. By default a temporary file.
        draws: posterior draws per example.
        tolerance: wanted Monte Carlo standard error of I(n;z), nats; with ``inference`` also by how
            much its bound on log p(x) may still move. Of a diffusion model that of its ELBO, in
            bits a value, or as a share of R where that is more.
        max_queries: most queries of the aggregate posterior.
        batch_size: examples a call of the model; chosen from their size by default.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        dtype: ``float32`` or ``float64``, of model and parameters.
        seed: of the draws, of the queries and of stochastic binarisation.
        prior: another prior than the model's, as a Model takes it; nothing is encoded again.
        entropy: an upper bound on the entropy of the data, nats.
        bin_width: δ of quantised data under a density.
        binarize: ``none``, ``threshold`` or ``stochastic``; by default as a bundle was trained.
        estimators: names of registered ones, or functions by name; by default every registered
            one. Without a store the model is not asked for what these do not need, such as the
            gradients of a slope.
        progress: show progress on standard error if it is a terminal; or a display of your own.
        cuts: thresholds of the regimes.
        split: of a named data set.
        fresh: encode again even if the store has it already. The old store stays until the new one
            is finished; if that was interrupted, the same call goes on from what it had encoded.
        trust: let code in the checkpoint run.
        factory: ``MODULE:FACTORY`` that builds the model of a checkpoint.
        weights: which state dict of the checkpoint it gets, by dotted path; by default the one that
            fits, and of several the first that is no average over the training.
        family: of a file of posteriors that does not name its own.
        pictures: write pictures of what the model makes of images next to the store, for the HTML
            report; by default if there is a store.
        bytes: ``pixels`` divides bytes (uint8) by 255, ``counts`` takes them as they are; by
            default they are pixels, unless all are 0 or 1 or the likelihood is of whole numbers.
        input_key: under which key items, or a file's arrays, have the input.
        covariates: what comes with the examples and a conditional model needs, by name: an array
            (n, ...), or the path of one. Labels that come with the data need none.
        limit: evaluate so many examples, drawn at random by the seed: the first ones often are of
            one class. The data are then named ``200 of digits``. By default all.
        labels: what is known of the examples besides, such as ``{"digit": y}``: the report says how
            much the code tells of each. Values are (n,) whole numbers, truth values or text of all
            examples of the data, None or NaN where one is missing; the path of such, as
            ``cells.csv:batch``; or a covariate's name. They are put into the store, and adding some
            later encodes nothing.
        leaks: the names of labels of which the code should know nothing, or such labels.
        observation_scale: σ of the normal noise around what a generator gives, or ``optimal`` for
            the best one for the data. The model is then a module, or what the factory returns is,
            from z to x̂ alone.
        inference: of so many examples, drawn at random by the seed, work out log p(x) by annealing
            from the posterior, and how many of the nats of −ELBO are lost by the encoder and by the
            posterior family. The results are put into the store. By default of none.
        simulate: of so many examples drawn from the model itself, bound log p(x) from both sides:
            how wide that is tells how loose the bounds are, on simulated data.
        max_steps: the most temperatures of an annealing. By default 4096; fewer are used where
            ``tolerance`` is reached.
        decoder_curve: the least R and D that any encoder could reach with this decoder and prior,
            at nine β from 1/16 to 16 or at those given, of the same examples as ``inference``.
            Without an encoder by default at five; False for none.
        codebook: the vectors that the codes of a quantiser stand for (classes, width), or the path
            of such an array: the report names those that are equal.
        keep_levels: put the draws of every level of a chain of latents into the store, as
            ``levels/z_2`` and so on. By default it has those of the first.

    Returns:
        The report; everything in nats per example.

    Raises:
        GenprobeError: for any fault of the input, saying what, where and what to do.

    Example:
        >>> import genprobe, torch
        >>> model = genprobe.Model(
        ...     name="useless",
        ...     encode=lambda x: {"loc": 0 * x, "scale": 1 + 0 * x},
        ...     posterior="diagonal-normal",
        ...     prior="standard-normal",
        ... )
        >>> report = genprobe.evaluate(model, torch.randn(100, 2), device="cpu")
        >>> report["rate"].value
        0.0
    """
    return run_evaluation(model, data, Options.from_arguments(locals()), progress=progress)


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
        params: parameters of q(z|x) by the family's names, such as ``loc`` and ``scale``, the
            standard deviation, or other usual ones, such as ``mean`` and ``logvar``; each (n, ...):
            numpy, torch, or anything that numpy takes. Nothing is copied whole.
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

    Example:
        >>> import genprobe, numpy
        >>> params = {"loc": numpy.zeros((100, 2)), "scale": numpy.ones((100, 2))}
        >>> genprobe.evaluate_posteriors(params)["rate"].value
        0.0
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
