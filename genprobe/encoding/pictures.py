"""Pictures of what a model makes of images, by which one sees its regime.

A reconstruction is the mean of p(x|z) at a code z drawn from q(z|x), and there are several draws
of the code. What the code says is then the same in each, what it leaves open differs or blurs, and
a decoder that ignores its code shows one picture for every input (compare Alemi et al. 2018, fig.
4). The noise of p(x|z) itself is left out: of independent pixels it would hide all this. A
likelihood without a mean shows a draw.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import adaptive_avg_pool2d

from genprobe.aggregate.code_moments import aggregate_moments
from genprobe.aggregate.fitted import FittedMarginal
from genprobe.aggregate.moments import mean_of
from genprobe.distributions.latents import flat
from genprobe.encoding.calls import Calls, bind
from genprobe.encoding.chain_calls import continued
from genprobe.encoding.chain_cuts import cuts_of, known_levels
from genprobe.encoding.context import context_of
from genprobe.encoding.examples import read_examples
from genprobe.encoding.parts import Parts
from genprobe.encoding.placement import in_evaluation
from genprobe.errors import GenprobeError, UnavailableError
from genprobe.report import Dimension
from genprobe.runtime.seeds import derived_seed, random_rows, seeded
from genprobe.store.pictures import Grid, Pictures, image_shape
from genprobe.store.read import Store
from genprobe.types import Dataset, Params, Prior

EXAMPLES = 10
DRAWS = 3
SAMPLE_ROWS = 2
TRAVERSED = 5
REACH = 3.0
"""Standard deviations of the aggregate posterior to each side of its mean in a traversal."""

LARGEST_SIDE = 64
RANGES = ((0.0, 1.0), (-1.0, 1.0))
"""Black and white as data are commonly scaled; other data have their own smallest and largest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A model and the few examples that are pictured.

    Attributes:
        calls: of the model, its module in place, with the context of the examples.
        store: of the run.
        image: channels, height and width of an example.
        examples: (EXAMPLES,) their positions in the data set.
        x: (EXAMPLES, *event) the examples, of the store's dtype, on the CPU.
        params: of their posteriors, each (EXAMPLES, ...).
    """

    calls: Calls
    store: Store
    image: tuple[int, int, int]
    examples: Tensor
    x: Tensor
    params: Params


def draw_pictures(
    parts: Parts,
    dataset: Dataset,
    store: Store,
    dimensions: Sequence[Dimension],
    fitted: Callable[[], FittedMarginal],
    *,
    device: torch.device,
    batch_size: int,
) -> Pictures | None:
    """Every grid of pictures that makes sense for a model; None if it draws no images at all.

    The same seed gives the same pictures, and the global generator stays as it was.

    Args:
        parts: the model.
        dataset: that it was evaluated on.
        store: of that evaluation.
        dimensions: of its report.
        fitted: gives the fitted marginal, or raises UnavailableError.
        device: of the model.
        batch_size: codes a call of the decoder.
    """
    image = image_shape(dataset.event_shape)
    dtype = getattr(torch, store.header.dtype)
    calls = bind(parts, device=device, dtype=dtype, batch_size=batch_size)
    if image is None or not calls.decodes or parts.model.teacher_forced:
        return None
    with in_evaluation(parts.model, device, dtype, parts.prior):
        subject = subject_of(calls, dataset, store, image)
        own = {"prior": lambda: samples(subject, parts.prior, parts.prior.name)}
        of_codes = {
            "reconstructions": lambda: reconstructions(subject),
            **({} if calls.chain is None else {"levels": lambda: levels_known(subject)}),
            "fitted-prior": lambda: fitted_samples(subject, fitted()),
            "traversals": lambda: traversals(subject, dimensions),
        }
        makers = own | of_codes if store.header.encoder else own
        grids, absent = draw_grids(makers, store.header.seed)
    return Pictures(grids=grids, absent=absent, examples=tuple(subject.examples.tolist()))


def draw_grids(
    makers: dict[str, Callable[[], Grid]], seed: int
) -> tuple[dict[str, Grid], dict[str, str]]:
    """Each grid from a seed of its own; for one that cannot be drawn the reason."""
    grids, absent = {}, {}
    for name, make in makers.items():
        with seeded(derived_seed(seed, "pictures", name)):
            try:
                grids[name] = make()
            except GenprobeError as error:
                absent[name] = error.what
    return grids, absent


def subject_of(
    calls: Calls, dataset: Dataset, store: Store, image: tuple[int, int, int]
) -> Subject:
    """A few random examples, with what the store and the data say of them."""
    examples = random_rows(dataset.n, EXAMPLES, store.header.seed, "pictures", "examples")
    places = examples.tolist()
    x = [read_examples(dataset, i, i + 1, calls.dtype) for i in places]
    context = [context_of(calls.model, dataset, one, i) for i, one in zip(places, x, strict=True)]
    params = [next(store.blocks(1, i, i + 1))[1] for i in places]
    return Subject(
        calls=calls.given(stacked(context)),
        store=store,
        image=image,
        examples=examples,
        x=torch.cat(x),
        params=stacked(params),
    )


def stacked(rows: Sequence[Params]) -> Params:
    """Tensors (1, ...) by name, of several examples, as tensors (example, ...)."""
    return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}


def reconstructions(subject: Subject) -> Grid:
    """The inputs, and below each what several draws of its code decode to."""
    z = subject.calls.posterior.sample(subject.params, DRAWS)
    count = len(subject.x)
    rows_of_x = torch.arange(count).repeat(DRAWS)
    decoded = decode(subject, z.flatten(0, 1), rows_of_x, posterior=True)
    rows = [subject.x.flatten(1), *torch.split(decoded.flatten(1), count)]
    labels = ["input", *(f"code {i + 1}" for i in range(DRAWS))]
    return grid(subject, torch.stack(rows), labels)


def levels_known(subject: Subject) -> Grid:
    """The inputs, and below each what it decodes to as ever more levels of the chain are known."""
    calls, rows = subject.calls, torch.arange(len(subject.x))
    if calls.chain is None:
        raise UnavailableError("The model has one latent.")
    draws = calls.chain.unpack(continued(calls, subject.x, [], rows, posterior=True))
    cuts = (*cuts_of(len(draws)), len(draws))
    decoded = [
        look(calls.decode(continued(calls, subject.x, draws[:cut], rows), rows)).flatten(1)
        for cut in cuts
    ]
    labels = ["input", *(known_levels(cut) for cut in cuts)]
    return grid(subject, torch.stack([subject.x.flatten(1), *decoded]), labels)


def samples(subject: Subject, prior: Prior, source: str) -> Grid:
    """What codes sampled from a prior decode to."""
    count = len(subject.x)
    latent = subject.store.header.latent_shape
    z = prior.sample(SAMPLE_ROWS * count).detach().cpu().to(subject.x.dtype).reshape(-1, *latent)
    decoded = decode(subject, z, torch.arange(count).repeat(SAMPLE_ROWS))
    return grid(subject, decoded.reshape(SAMPLE_ROWS, count, -1), [""] * SAMPLE_ROWS, source)


def fitted_samples(subject: Subject, fitted: FittedMarginal) -> Grid:
    """What codes sampled from the best fitted marginal decode to."""
    return samples(subject, fitted.prior, fitted.candidate)


def traversals(subject: Subject, dimensions: Sequence[Dimension]) -> Grid:
    """The first example's mean code decoded as one dimension at a time runs through all codes.

    Raises:
        UnavailableError: if codes are not real numbers with a mean, or no dimension says anything.
    """
    start = mean_code(subject)
    chosen = most_informative(dimensions)
    mean, second = aggregate_moments(subject.store.blocks(), subject.calls.posterior)
    square = second.diagonal() if second.dim() == 2 else second
    width = (square - mean.square()).clamp_min(0).sqrt()
    steps = torch.linspace(-REACH, REACH, EXAMPLES, dtype=torch.float64)
    rows = []
    for d in chosen:
        z = start.repeat(len(steps), 1)
        z[:, d] = mean[d] + steps * width[d]
        z = z.to(subject.x.dtype).reshape(len(steps), *subject.store.header.latent_shape)
        rows.append(decode(subject, z, torch.zeros(len(steps), dtype=torch.long)).flatten(1))
    return grid(subject, torch.stack(rows), [f"dimension {d}" for d in chosen])


def mean_code(subject: Subject) -> Tensor:
    """The posterior mean (k,) of the first example, float64.

    Raises:
        UnavailableError: if codes are not real numbers, or have no mean.
    """
    first = {k: v[:1].double() for k, v in subject.params.items()}
    q = subject.calls.posterior.distribution(first)
    if not is_real(q):
        raise UnavailableError("The codes are not rows of real numbers to move along.")
    mean = flat(mean_of(q), 1)[0]
    if not mean.isfinite().all():
        raise UnavailableError("The posteriors have no mean in closed form to start from.")
    return mean


def is_real(distribution: Distribution) -> bool:
    """Whether every value of an event may be any real number."""
    try:
        support = distribution.support
    except NotImplementedError:
        return False
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    return support is constraints.real


def most_informative(dimensions: Sequence[Dimension]) -> list[int]:
    """The dimensions with the largest rate; where that is unknown, whose means vary most.

    Raises:
        UnavailableError: if none carries anything.
    """
    told = [d for d in dimensions if not d.carries_nothing]
    ranked = sorted(told, key=lambda d: (d.rate or 0.0, d.mean_variance or 0.0), reverse=True)
    if not ranked:
        raise UnavailableError("No latent dimension carries anything to show.")
    return [d.index for d in itertools.islice(ranked, TRAVERSED)]


def decode(subject: Subject, z: Tensor, examples: Tensor, posterior: bool = False) -> Tensor:
    """Pictures (m, *event) that codes z (m, *latent) decode to, on the CPU.

    Args:
        subject: the model.
        z: codes; of a chain its first level's.
        examples: (m,) whose context each code is given, of a conditional model.
        posterior: whether the further levels of a chain are of these examples; else they are drawn
            from their priors.
    """
    if subject.calls.chain is not None:
        x = subject.x[examples]
        z = continued(subject.calls, x, [z], examples, posterior=posterior)
    return look(subject.calls.decode(z, examples))


def look(p: Distribution) -> Tensor:
    """The mean of p(x|z) where it has one, else a draw."""
    try:
        mean = p.mean
    except NotImplementedError:
        return p.sample()
    return mean if mean.isfinite().all() else p.sample()


def grid(subject: Subject, rows: Tensor, labels: Sequence[str], source: str = "") -> Grid:
    """Pictures (row, column, values) as bytes, those larger than needed made smaller."""
    channels, height, width = subject.image
    shrink = max(1.0, max(height, width) / LARGEST_SIDE)
    size = (max(1, round(height / shrink)), max(1, round(width / shrink)))
    images = as_bytes(rows.float(), span(subject.x)).reshape(-1, channels, height, width)
    small = adaptive_avg_pool2d(images, size).round().byte().permute(0, 2, 3, 1)
    return Grid(
        images=small.reshape(*rows.shape[:2], *small.shape[1:]).numpy(),
        rows=tuple(labels),
        source=source,
    )


def span(x: Tensor) -> tuple[float, float]:
    """The values of black and white, from the inputs that are pictured."""
    low, high = float(x.min()), float(x.max())
    for black, white in RANGES:
        if black <= low and high <= white:
            return black, white
    return low, high


def as_bytes(values: Tensor, limits: tuple[float, float]) -> Tensor:
    """Values as grey levels from 0 to 255, not yet rounded; what lies beyond is black or white."""
    black, white = limits
    return ((values - black) / (white - black)).nan_to_num(0.0).clamp(0, 1) * 255
