"""Reports as scalars of TensorBoard, under the folder that GENPROBE_TENSORBOARD names."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from genprobe import hookimpl

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from genprobe import Report, Store


@hookimpl
def genprobe_report_ready(report: "Report", store: "Store") -> None:
    """Write the report into a folder of the model's name, if a folder is named."""
    folder = os.environ.get("GENPROBE_TENSORBOARD")
    if not folder:
        return
    from torch.utils.tensorboard import SummaryWriter

    name = re.sub(r"[^\w.-]+", "-", report.model, flags=re.ASCII)
    with SummaryWriter(str(Path(folder) / name)) as writer:
        add_report(writer, report)


def add_report(writer: "SummaryWriter", report: "Report") -> None:
    """Add a report to a writer of your own.

    Args:
        writer: still open.
        report: its epoch is the step; 0 if it was not made while training.
    """
    from genprobe_loggers.names import metrics

    step = report.epoch or 0
    for name, value in metrics(report).items():
        writer.add_scalar(name, value, step)
    writer.add_text("genprobe/regime", report.regime.label, step)
