"""Reports in the active run of MLflow, or in a new one where MLFLOW_EXPERIMENT_NAME is set."""

import os
import sys
from typing import TYPE_CHECKING

from genprobe import hookimpl

if TYPE_CHECKING:
    from genprobe import Report, Store


@hookimpl
def genprobe_report_ready(report: "Report", store: "Store") -> None:
    """Log the report, if there is a run or one is asked for."""
    known = sys.modules.get("mlflow")
    if known is not None and known.active_run() is not None:
        add_report(report)
    elif os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        import mlflow

        mlflow.start_run(run_name=report.model)
        add_report(report)
        if report.epoch is None:  # of a training, the next epoch's goes into the same run
            mlflow.end_run()


def add_report(report: "Report") -> None:
    """Log numbers at the epoch, the regime as a tag and the report as JSON to the active run."""
    import mlflow

    from genprobe_loggers.names import file_name, metrics

    mlflow.log_metrics(metrics(report), step=report.epoch or 0)
    mlflow.set_tags({"genprobe.regime": report.regime.label, "genprobe.model": report.model})
    mlflow.log_text(report.to_json(), f"genprobe/{file_name(report)}.json")
