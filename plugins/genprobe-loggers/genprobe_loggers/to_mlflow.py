"""Reports in the active run of MLflow, or in a new one where MLFLOW_EXPERIMENT_NAME is set."""

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from genprobe import hookimpl
from genprobe.errors import GenprobeError

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

        require_database()
        mlflow.start_run(run_name=report.model)
        add_report(report)
        if report.epoch is None:  # of a training, the next epoch's goes into the same run
            mlflow.end_run()


def require_database() -> None:
    """Check that MLflow can write where it would: mlflow-skinny comes without a database.

    Raises:
        GenprobeError: saying where it can.
    """
    import mlflow

    place = mlflow.get_tracking_uri()
    if place.startswith("sqlite:") and find_spec("sqlalchemy") is None:
        raise GenprobeError(
            f"mlflow-skinny has no database for {place}: set MLFLOW_TRACKING_URI to a server, or "
            "to a folder such as mlruns with MLFLOW_ALLOW_FILE_STORE=true; or install mlflow"
        )


def add_report(report: "Report") -> None:
    """Log numbers at the epoch, the regime as a tag and the report as JSON to the active run."""
    import mlflow

    from genprobe_loggers.names import file_name, metrics

    mlflow.log_metrics(metrics(report), step=report.epoch or 0)
    mlflow.set_tags({"genprobe.regime": report.regime.label, "genprobe.model": report.model})
    mlflow.log_text(report.to_json(), f"genprobe/{file_name(report)}.json")
