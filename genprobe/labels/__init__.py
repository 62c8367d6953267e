"""What the code says about a label: a class, a factor, a batch."""

from genprobe.labels.columns import LabelColumns, label_columns
from genprobe.labels.report import Code, label_reports

__all__ = ["Code", "LabelColumns", "label_columns", "label_reports"]
