import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from genprobe_loggers.names import metrics

import genprobe
from genprobe.architectures import MlpVae


@pytest.fixture(autouse=True)
def runs(monkeypatch, tmp_path):
    """The runs that a file store ends up with."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    yield lambda: mlflow.search_runs(output_format="list", search_all_experiments=True)
    mlflow.end_run()
    mlflow.set_tracking_uri(None)


def test_reports_go_into_the_active_run_at_their_epoch(evaluate, tmp_path):
    with mlflow.start_run() as run:
        reports = [evaluate(epoch=epoch) for epoch in (2, 4)]
    [folder] = (tmp_path / "mlruns").glob(f"*/{run.info.run_id}")
    for name in metrics(reports[0]):
        lines = (folder / "metrics" / name).read_text().splitlines()
        found = {int(step): float(value) for _, value, step in (line.split() for line in lines)}
        assert found == {e: metrics(r)[name] for e, r in zip((2, 4), reports, strict=True)}
    assert (folder / "tags" / "genprobe.regime").read_text() == reports[1].regime.label
    for epoch, report in zip((2, 4), reports, strict=True):
        text = (folder / "artifacts" / "genprobe" / f"m-epoch-{epoch}.json").read_text("utf-8")
        assert json.loads(text) == json.loads(report.to_json())


def test_where_an_experiment_is_named_each_model_gets_a_run(evaluate, monkeypatch, runs):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "vaes")
    reports = {name: evaluate(name) for name in ("a", "b")}
    assert mlflow.active_run() is None
    found = {run.info.run_name: run.data.metrics for run in runs()}
    assert {name: found[name]["genprobe/rate"] for name in found} == {
        name: report["rate"].value for name, report in reports.items()
    }


def test_where_an_experiment_is_named_a_training_gets_one_run(evaluate, monkeypatch, runs):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "vaes")
    for epoch in (1, 2, 3):
        evaluate(epoch=epoch)
    mlflow.end_run()
    [run] = runs()
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "genprobe/rate")
    assert [point.step for point in history] == [1, 2, 3]


def test_nothing_happens_without_a_run(evaluate, tmp_path):
    evaluate()
    assert mlflow.active_run() is None
    assert not (tmp_path / "mlruns").exists()


def test_the_readmes_line_logs_with_mlflow_skinny(tmp_path):
    module = MlpVae(data_shape=(64,), latent=2, hidden=(3,))
    genprobe.save(module.as_model("mine", {"data": "digits"}), tmp_path / "a.pt")
    readme = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    [line] = [line.split() for line in readme.splitlines() if "MLFLOW_TRACKING_URI=" in line]
    variables = dict(word.split("=") for word in line if "=" in word)
    command = line[len(variables) + 1 :]
    said = subprocess.run(
        [sys.executable, "-m", "genprobe", *command, "--max-queries", "20"],
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert "fails" not in said.stderr
    [found] = (tmp_path / "mlruns").glob("*/*/metrics/genprobe/rate")
    assert float(found.read_text().split()[1]) > 0


def test_without_a_database_it_is_told_where_runs_can_go(evaluate, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "vaes")
    monkeypatch.setattr("genprobe_loggers.to_mlflow.find_spec", lambda name: None)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    evaluate()
    assert "mlflow-skinny has no database" in caplog.text
    assert "MLFLOW_ALLOW_FILE_STORE=true" in caplog.text
    assert not (tmp_path / "mlflow.db").exists()
