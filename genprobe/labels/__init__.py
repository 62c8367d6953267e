"""What the code says about a label: a class, a factor, a batch."""

from genprobe.labels.columns import label_columns
from genprobe.labels.report import Code, label_reports

__all__ = ["Code", "label_columns", "label_reports"]
