"""Comparing reports: their order, the bound on the entropy that they share, and their frontier."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from genprobe.analysis.decoder_alone import has_encoder
from genprobe.analysis.options import require_positive
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts, Entropy
from genprobe.comparing.alone import default_sort, source_of
from genprobe.comparing.code_differences import code_differences
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import BOUND, PAIRED
from genprobe.comparing.differences import differences
from genprobe.comparing.frontier import on_the_plane
from genprobe.comparing.inference_differences import inference_differences
from genprobe.comparing.inputs import (
    named_by,
    place_of,
    read_reports,
    told_apart,
    without_side_files,
)
from genprobe.comparing.label_differences import label_differences
from genprobe.comparing.probed_differences import probed_differences
from genprobe.comparing.shared_regime import replace_regime, with_examples
from genprobe.errors import GenprobeError, UsageError
from genprobe.estimators.catalog import row_of
from genprobe.report import Report
from genprobe.runtime.near_names import hint
from genprobe.runtime.progress import Progress, progress_display
from genprobe.types.dataset import SCHEME

BESIDE = "show them --side-by-side (side_by_side=True)"
KINDS = ("density-distortion", "bernoulli-on-grey")
"""Warnings that the distortion is not minus the log of a probability."""


def compare(
    sources: Sequence[Report | str | Path],
    *,
    sort: str | None = None,
    against: str | None = None,
    side_by_side: bool = False,
    entropy: float | None = None,
    origins: Sequence[str] | None = None,
    cuts: Cuts = DEFAULT_CUTS,
    jobs: int = 1,
    progress: bool | Progress = False,
) -> Comparison:
    """Compare reports, stores or report files of the same data set.

    The shared Ĥ is the smallest bound that is given or any of them knows, its own R + D included.
    Differences of ELBO, rate and distortion are paired over examples wherever the stores of both
    models are at hand: a report read from a file finds the store it names. A store whose report was
    kept beside it is not worked out anew; one without gets one.

    Args:
        sources: reports, or paths of stores (.h5) and of reports (.json). What is kept beside a
            store that is given is passed over.
        sort: ``name`` or an estimate: smallest first, and largest first where that is better, as of
            the ELBO, mutual information and active units. Models without it come last. By default
            the ELBO, or the rate where ELBOs do not compare.
        against: the model that differences are from, by its name or what tells it from the others
            (its file); the one with the best ELBO by default.
        side_by_side: show models of different data, with nothing shared and no differences.
        entropy: another upper bound on the entropy of the data, nats.
        origins: what tells models of one name apart; by default their paths.
        cuts: thresholds of the regimes.
        jobs: processes at most, with one thread each, that make reports of many stores without one.
            A script that asks for several must do so under ``if __name__ == "__main__":``.
        progress: show progress on standard error if it is a terminal.

    Raises:
        GenprobeError: if there is none, a file does not read, the data sets differ, or there is no
            estimate or model of the name given.

    >>> import torch
    >>> from genprobe import compare, evaluate_posteriors
    >>> codes = torch.linspace(-1, 1, 100, dtype=torch.float64)[:, None]
    >>> def evaluated(name, scale, distortion):
    ...     params = {"loc": codes, "scale": torch.full_like(codes, scale)}
    ...     values = torch.full((100,), distortion)
    ...     return evaluate_posteriors(params, distortion=values, name=name, dataset="line")
    >>> found = compare([evaluated("sharp", 0.1, 2.0), evaluated("blurred", 0.5, 4.0)])
    >>> found.names, found.best
    (('sharp', 'blurred'), 'sharp')
    """
    require_positive(entropy=entropy)
    given, places = read_named(sources, origins, progress, jobs)
    known = {name for r in given.values() for name in r.estimates}
    if sort is None:
        ranked = not side_by_side and one_measure(given.values())
        sort = default_sort(known if ranked else known - {"elbo"})
        sort = BOUND if ranked and lack_encoders(given.values()) else sort
    require_sort(sort, known)
    if against is not None:
        against = named_by(against, places, {name: r.model for name, r in given.items()})
    if not side_by_side:
        require_same_data(list(given.values()))
    shared = None if side_by_side else shared_entropy(given, entropy)
    order = sorted(given, key=lambda name: sort_key(name, given[name], sort))
    placed = {name: replace_regime(given[name], shared, cuts) for name in order}
    return assemble(placed, shared, against, side_by_side, sort, cuts)


def read_named(
    sources: Sequence[Report | str | Path],
    origins: Sequence[str] | None,
    progress: bool | Progress,
    jobs: int,
) -> tuple[dict[str, Report], dict[str, str]]:
    """The reports of all sources, and where each is from, by what the models go by.

    Args:
        sources: as ``compare`` takes them.
        origins: as ``compare`` takes them.
        progress: as ``compare`` takes it.
        jobs: as ``compare`` takes them.

    Raises:
        GenprobeError: if there is none, or a file does not read.
    """
    if isinstance(sources, str | Path | Report):
        sources = [sources]
    if origins is None:
        sources = without_side_files(sources)
    with progress_display(progress) as display:
        read = read_reports(sources, display, jobs)
    places = [place_of(*pair) for pair in zip(sources, read, strict=True)]
    places = places if origins is None else list(origins)
    given = told_apart(read, places)
    if not given:
        raise GenprobeError("There is nothing to compare.", "Give at least one store or report.")
    place = {id(report): where for report, where in zip(read, places, strict=True)}
    return given, {name: place[id(report)] for name, report in given.items()}


def assemble(
    ranked: Mapping[str, Report],
    shared: Entropy | None,
    against: str | None,
    side_by_side: bool,
    sort: str,
    cuts: Cuts,
) -> Comparison:
    """The comparison of reports in their order, by what they go by."""
    same = one_measure(ranked.values())
    comparable = same and not side_by_side
    with_elbo = [name for name, r in ranked.items() if "elbo" in r.estimates]
    best = max(with_elbo, key=lambda n: ranked[n]["elbo"].value, default="") if comparable else ""
    compares = len(ranked) > 1 and not side_by_side
    alone = lack_encoders(ranked.values())
    leader = next(iter(ranked)) if alone else best
    reference = (against or leader or next(iter(ranked))) if compares else None
    # A reference chosen by its ELBO could have been any model, so every pair might be compared.
    count = len(ranked) if alone else len(with_elbo)
    tests = max(0, count - 1) if against else count * (count - 1) // 2
    front, lower = on_the_plane(list(ranked.values())) if comparable else ((), ())
    return Comparison(
        reports=tuple(ranked.values()),
        names=tuple(ranked),
        entropy=None if shared is None else shared.value,
        entropy_source=None if shared is None else shared.source,
        best=best,
        frontier=front,
        hull=lower,
        reference=reference,
        differences=()
        if reference is None
        else tuple(differences(ranked, reference, PAIRED if same else ("rate",))),
        comparisons=tests,
        same_measure=same,
        side_by_side=side_by_side,
        sort=sort,
        cuts=cuts,
        label_differences=() if reference is None else tuple(label_differences(ranked, reference)),
        inference_differences=tuple(inference_differences(ranked, reference))
        if reference is not None and same
        else (),
        probed_differences=()
        if reference is None
        else tuple(probed_differences(ranked, reference)),
        code_differences=() if reference is None else tuple(code_differences(ranked, reference)),
    )


def lack_encoders(reports: Collection[Report]) -> bool:
    """Whether models compare by their bounds on −log p(x): some have no ELBO, and all have these.

    Args:
        reports: of the models.
    """
    every = all(BOUND in report.estimates for report in reports)
    return every and not all(has_encoder(report) for report in reports)


def one_measure(reports: Iterable[Report]) -> bool:
    """Whether all distortions are minus logs of one kind: of probabilities, or of densities."""
    decoding = [r for r in reports if "distortion" in r.estimates or not has_encoder(r)]
    kinds = {next((w.code for w in r.warnings if w.code in KINDS), "") for r in decoding}
    widths = {r.provenance.get("bin_width") for r in decoding} - {None}
    return len(kinds) < 2 and len(widths) < 2


def sort_key(model: str, report: Report, sort: str) -> tuple[bool, float, str]:
    """What models are ordered by; those without the estimate last, ties by name."""
    estimate = report.estimates.get(sort)
    if estimate is None:
        return sort != "name", 0.0, model.casefold()
    sign = -1 if row_of(sort).better == "larger" else 1
    return False, sign * estimate.value, model.casefold()


def require_sort(sort: str, known: Iterable[str]) -> None:
    """Check that models can be sorted by something.

    Raises:
        UsageError: listing what they can be sorted by.
    """
    allowed = ["name", *sorted(known)]
    if sort not in allowed:
        raise UsageError(
            f"There is no {sort!r} to sort by.",
            f"{hint(sort, allowed, 'estimators')}Sort by {', '.join(allowed)}.",
        )


def shared_entropy(reports: Mapping[str, Report], given: float | None) -> Entropy | None:
    """The smallest bound that is given or any model knows, and whose it is; None without any.

    A bound that is given places no model whose own distortion bounds nothing.
    """
    known = {
        name: Entropy(value=r.regime.entropy, source=source_of(r, name))
        for name, r in reports.items()
        if r.regime.entropy is not None
    }
    if not known:
        return None
    owner = min(known, key=lambda name: known[name].value)
    if given is not None and given < known[owner].value:
        return Entropy(value=given, source="given")
    return with_examples(known[owner], reports[owner]) if len(known) > 1 else known[owner]


def described(report: Report) -> str:
    """The data of a report, as far as two that differ can be told apart by it."""
    mode = report.provenance.get("binarize", "none")
    made = "as they are" if mode == "none" else f"binarised ({mode})"
    return f"{report.dataset} ({report.n} examples, {made})"


def require_same_data(reports: Sequence[Report]) -> None:
    """Check that reports can stand beside each other.

    Raises:
        GenprobeError: naming two that cannot.
    """
    first = reports[0]
    for other in reports[1:]:
        prints = [r.provenance.get("dataset_fingerprint") for r in (first, other)]
        if prints[0] != prints[1]:
            require_same_hashes(first, other)
            raise GenprobeError(
                f"{first.model} was evaluated on {described(first)} and {other.model} on "
                f"{described(other)}, which are different data.",
                "Compare models on the same data and binarisation, or show them --side-by-side "
                "(side_by_side=True), with nothing shared.",
            )
        given = [tuple(r.provenance.get("context", ())) for r in (first, other)]
        if given[0] != given[1]:
            raise GenprobeError(
                f"{first.model} is conditional on {context_words(given[0])} and {other.model} on "
                f"{context_words(given[1])}: what is left to say of x differs, and so does Ĥ.",
                f"Compare models that are given the same, or {BESIDE}.",
            )
        values = [r.provenance.get("context_fingerprint") for r in (first, other)]
        if values[0] != values[1]:
            raise GenprobeError(
                f"{first.model} and {other.model} were given other values of "
                f"{context_words(first.provenance['context'])} with the same examples.",
                f"Compare models that are given the same, or {BESIDE}.",
            )


def require_same_hashes(first: Report, other: Report) -> None:
    """Check that both reports are of data that were read and hashed in the same way, or neither.

    Raises:
        GenprobeError: naming the one that was not.
    """
    unread = [
        r
        for r in (first, other)
        if not str(r.provenance.get("dataset_fingerprint")).startswith(SCHEME)
    ]
    if len(unread) == 1 and first.n == other.n:
        read = other if unread[0] is first else first
        raise GenprobeError(
            f"{unread[0].model} does not say what its examples hold, so nobody can tell whether "
            f"they are those of {read.model}: its store is of an earlier genprobe, or was made "
            "without the data.",
            f"Evaluate {unread[0].model} again, with the data and --fresh, or {BESIDE}.",
        )


def context_words(context: Sequence[str]) -> str:
    """The parts of a context in words."""
    return ", ".join(context) or "nothing"
