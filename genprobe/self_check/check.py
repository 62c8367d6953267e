"""Running cases on this machine, and whether what they give is beyond what chance allows.

Of each estimate the mean over several seeds stands against its truth. The limit on |z| is
Bonferroni's over all estimates, at one false alarm in a thousand checks of a healthy machine.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from genprobe.estimators.students_t import students_t
from genprobe.report import Estimate
from genprobe.runtime.jobs import run_jobs
from genprobe.runtime.progress import Progress, silent
from genprobe.self_check.case import ROUNDING, Case, Truth, evaluate_case
from genprobe.self_check.cases import self_checks

SEEDS = 12
LEVEL = 1e-3
"""Share of healthy machines that fail by chance."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An estimate beside its truth.

    Attributes:
        case: its name.
        regime: what is special about the case.
        estimate: its name.
        truth: what was expected.
        value: what was measured, the mean over the seeds.
        error: its standard error, from those that were stated; 0 if exact; None if one of them
            stated none.
    """

    case: str
    regime: str
    estimate: str
    truth: Truth
    value: float
    error: float | None

    @property
    def z(self) -> float | None:
        """The deviation in standard errors; None where there is none, 0 within rounding."""
        off = self.value - self.truth.value
        if abs(off) <= ROUNDING * (1 + abs(self.truth.value)):
            return 0.0
        if self.error is None:
            return None
        total = math.hypot(self.error, self.truth.error)
        return off / total if total else math.copysign(math.inf, off)


def check(
    names: Sequence[str] | None = None,
    *,
    seed: int = 0,
    seeds: int = SEEDS,
    jobs: int = 1,
    progress: Progress = silent,
) -> list[Finding]:
    """Run the cases of ``genprobe validate`` on this machine.

    Args:
        names: of the cases; all by default.
        seed: the first of them.
        seeds: evaluations a case.
        jobs: processes.
        progress: display, stage ``validate``.

    Example:
        >>> [found] = [f for f in check(["bits"], seeds=1) if f.estimate == "rate"]
        >>> found.z
        0.0
    """
    chosen = [case.name for case in self_checks() if names is None or case.name in names]
    tasks = [(name, seed, seeds) for name in chosen]
    total = seeds * len(tasks)
    done = run_jobs(check_case, tasks, jobs=jobs, stage="validate", total=total, progress=progress)
    return [finding for findings in done for finding in findings]


def check_case(task: tuple[str, int, int], progress: Progress) -> list[Finding]:
    """Every estimate of a case beside its truth.

    Args:
        task: the name of the case, the first seed, and how many.
        progress: told of each evaluation.
    """
    name, first, seeds = task
    [case] = [case for case in self_checks() if case.name == name]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        reports = []
        for seed in range(first, first + seeds):
            reports.append(evaluate_case(case, seed))
            progress.advance("validate", 1, seeds)
        truths = case.truths()
    finally:
        torch.set_num_threads(threads)
    return [
        finding_of(case, name, truths[name], [report[name] for report in reports])
        for name in case.estimators
        if name in truths
    ]


def finding_of(case: Case, name: str, truth: Truth, found: Sequence[Estimate]) -> Finding:
    """The mean of several estimates beside their truth."""
    errors = [estimate.se for estimate in found]
    known = [error for error in errors if error is not None]
    whole = len(known) == len(errors)
    return Finding(
        case=case.name,
        regime=case.regime,
        estimate=name,
        truth=truth,
        value=fmean(estimate.value for estimate in found),
        error=math.hypot(*known) / len(known) if whole else None,
    )


def limit(findings: Sequence[Finding]) -> float:
    """The size of z beyond which one finding of so many is no chance, by Bonferroni's bound."""
    return students_t(LEVEL / max(1, len(findings)), math.inf)


def beyond(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are no chance."""
    most = limit(findings)
    return [f for f in findings if f.z is not None and abs(f.z) > most]
