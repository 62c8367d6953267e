"""The verdict on one model: what to do, in the order of the nats at stake."""

from genprobe.analysis.advice import Advice, Facts, nothing_to_repair
from genprobe.analysis.findings import FINDINGS, Finding, unused
from genprobe.analysis.label_findings import label_summary
from genprobe.report import Report

MOST = 3
"""Sentences of a verdict."""


def verdict(
    report: Report, unit: str = "nats", scale: float = 1.0, decimals: int = 3
) -> tuple[str, ...]:
    """One to three sentences that begin with what to do, the most nats at stake first.

    First comes what puts every number in doubt, last what only says that a number is not known well
    enough. Findings with one remedy are one sentence. Where there are labels the last sentence says
    what the code tells of them.

    Args:
        report: of one model.
        unit: of the sentences: ``nats``, ``bits`` or ``bits/dim``.
        scale: nats that one of the unit is.
        decimals: of a number without an error.

    Example:
        >>> import genprobe, torch
        >>> params = {"loc": 0.001 * torch.arange(200.0)[:, None], "scale": torch.ones(200, 1)}
        >>> print(genprobe.evaluate_posteriors(params).verdict[0])
        Retrain with a lower β, or anneal it: the code is unused, R is 0.00662 ± 0.00043 nats.
    """
    facts = Facts(report=report, unit=unit, scale=scale, decimals=decimals)
    found = sorted(advices(facts), key=lambda advice: -advice.nats)
    said, labels = [advice.sentence for advice in found], label_summary(facts)
    shown = said[: MOST - 1 if labels else MOST] or [nothing_to_repair(facts)]
    return (*shown, labels) if labels else tuple(shown)


def advices(facts: Facts) -> list[Advice]:
    """What every finding of a report advises, each remedy once."""
    remedies = {f.advice: None for code, f in FINDINGS.items() if stands(code, f, facts)}
    made = [remedy(facts) for remedy in remedies if remedy is not None]
    return [advice for advice in made if advice is not None]


def stands(code: str, finding: Finding, facts: Facts) -> bool:
    """Whether a finding is one of a report's, and not the lesser part of another.

    Args:
        code: of the finding.
        finding: of the catalog.
        facts: of the report.
    """
    if code == "collapsed-dimensions" and unused(facts.report):
        return False
    if finding.holds is not None:
        return finding.holds(facts.report)
    return facts.notice(code) is not None
