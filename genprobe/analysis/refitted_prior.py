"""The fitted prior behind a report's saving, fitted to all of its examples: the one to swap in."""

from genprobe.aggregate.distinct import distinct_examples
from genprobe.aggregate.fitted import refit
from genprobe.errors import Notice, UnavailableError, UsageError
from genprobe.plugins import plugins
from genprobe.report import Report
from genprobe.store.format import Header
from genprobe.store.read import readable
from genprobe.types import NamedPrior, PriorLike


def fit_prior(report: Report) -> NamedPrior:
    """The prior whose saving a report states, fitted to the codes of all its examples.

    The saving, ``report["prior_saving"]``, is cross-fitted: it says what such a prior saves on
    examples that it was not fitted to. So fit on training data and evaluate on others.

    Args:
        report: as ``evaluate`` gives it, or ``report_from_store``.

    Raises:
        UsageError: if the report comes without its store.
        UnavailableError: if no prior can be fitted to its codes.

    Example:
        >>> import genprobe, torch
        >>> params = {"loc": 3 + torch.randn(500, 1), "scale": torch.full((500, 1), 0.5)}
        >>> report = genprobe.evaluate_posteriors(params)
        >>> genprobe.fit_prior(report).name in ("diagonal-normal", "full-normal", "normal-mixture")
        True
    """
    if report.store is None:
        raise UsageError(
            f"The report of {report.model} comes without the codes that a prior is fitted to.",
            "Evaluate the model again, or open its store: genprobe.report_from_store.",
        )
    fitted = report.provenance.get("fitted_prior")
    if not fitted:
        absent = report.provenance.get("absent", {})
        raise UnavailableError(absent.get("rate_fitted_prior", "No prior was fitted."))
    store = readable(report.store)  # that of a report that was only shown is not yet
    header = store.header
    name, params = refit(
        store,
        plugins().get("families", header.family),
        plugins().all("priors"),
        fitted["rung"],
        seed=header.seed,
        distinct=distinct_examples(store),
    )
    return NamedPrior(name=name, params=params, fitted_to=codes_of(header))


def codes_of(header: Header) -> str:
    """What tells the codes of a store from others: its model on its data.

    Args:
        header: of the store.
    """
    return f"{header.model_fingerprint} {header.dataset_fingerprint}"


def prior_of_these(prior: PriorLike | None, header: Header) -> list[Notice]:
    """That the prior asked for was fitted to the very codes it is used on; else nothing.

    Args:
        prior: asked for, if any.
        header: of the store.
    """
    if not isinstance(prior, NamedPrior) or prior.fitted_to != codes_of(header):
        return []
    return [
        Notice(
            code="prior-of-these-examples",
            message=f"The prior was fitted to the codes of these {header.n} examples.",
            remedy="R and the marginal KL are too low, by what it learned of them alone. Fit it to "
            "training data, and evaluate on others.",
        )
    ]
