"""Reports in the active run of Weights & Biases, or in a new one where WANDB_PROJECT is set."""

import os
import sys
from typing import TYPE_CHECKING, Any

from genprobe import hookimpl

if TYPE_CHECKING:
    from genprobe import Report, Store


@hookimpl
def genprobe_report_ready(report: "Report", store: "Store") -> None:
    """Log the report, if there is a run or one is asked for."""
    active = getattr(sys.modules.get("wandb"), "run", None)
    if active is not None:
        add_report(active, report)
    elif os.environ.get("WANDB_PROJECT"):
        import wandb

        run = wandb.init(name=report.model)
        add_report(run, report)
        if report.epoch is None:  # of a training, the next epoch's goes into the same run
            run.finish()


def add_report(run: Any, report: "Report") -> None:
    """Log the numbers against the epoch, whatever step the run is at, and the report as JSON."""
    import wandb

    from genprobe_loggers.names import file_name, metrics

    run.define_metric("genprobe/epoch")
    run.define_metric("genprobe/*", step_metric="genprobe/epoch")
    run.log(
        {
            **metrics(report),
            "genprobe/epoch": report.epoch or 0,
            "genprobe/regime": report.regime.label,
        }
    )
    artifact = wandb.Artifact(f"genprobe-{file_name(report)}", type="genprobe-report")
    with artifact.new_file("report.json", encoding="utf-8") as file:
        file.write(report.to_json())
    run.log_artifact(artifact)
