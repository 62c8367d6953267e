"""Whether a report is of a diffusion model, which has columns and no code; without torch."""

from genprobe.report import Report


def diffuses(report: Report) -> bool:
    """Whether a report is of a diffusion model.

    Args:
        report: of one model.

    Example:
        >>> import genprobe, torch
        >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
        >>> diffuses(genprobe.evaluate_posteriors(params))
        False
    """
    return "diffusion" in report.provenance
