"""What a report is called where it is logged."""

import re

from genprobe import Report


def metrics(report: Report) -> dict[str, float]:
    """``genprobe/rate``, ``genprobe/rate_se`` and so on."""
    return {f"genprobe/{name}": value for name, value in report.scalars().items()}


def file_name(report: Report) -> str:
    """The model and the epoch, in letters that every file system takes."""
    made = report.epoch
    name = report.model if made is None else f"{report.model}-epoch-{made}"
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII)
