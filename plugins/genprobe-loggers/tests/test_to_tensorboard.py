import logging
from pathlib import Path

import pytest
from genprobe_loggers.names import metrics
from genprobe_loggers.to_tensorboard import add_report
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter


def read(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_every_number_is_a_scalar_at_its_epoch(evaluate, monkeypatch, tmp_path):
    monkeypatch.setenv("GENPROBE_TENSORBOARD", str(tmp_path / "runs"))
    reports = [evaluate("a b", epoch=epoch) for epoch in (0, 5)]
    events = read(tmp_path / "runs" / "a-b")
    assert set(events.Tags()["scalars"]) == set(metrics(reports[0])) | set(metrics(reports[1]))
    for name in events.Tags()["scalars"]:
        written = {scalar.step: scalar.value for scalar in events.Scalars(name)}
        made = {
            r.provenance["training"]["epoch"]: metrics(r)[name]
            for r in reports
            if name in metrics(r)
        }
        assert written == pytest.approx(made, rel=1e-6)
    [tag] = [t for t in events.Tags()["tensors"] if t.startswith("genprobe/regime")]
    [_, said] = events.Tensors(tag)
    assert said.tensor_proto.string_val == [reports[1].regime.label.encode()]


def test_a_report_goes_into_a_writer_of_ones_own(evaluate, tmp_path):
    report = evaluate()
    with SummaryWriter(str(tmp_path / "mine")) as writer:
        add_report(writer, report)
    [rate] = read(tmp_path / "mine").Scalars("genprobe/rate")
    assert (rate.step, rate.value) == (0, pytest.approx(report["rate"].value))


def test_nothing_is_written_where_no_folder_is_named(evaluate, tmp_path):
    evaluate()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_warned_of_and_the_report_stands(
    evaluate, monkeypatch, tmp_path, caplog
):
    Path(tmp_path / "file").touch()
    monkeypatch.setenv("GENPROBE_TENSORBOARD", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, "genprobe"):
        report = evaluate()
    assert report["rate"].value > 0
    assert "The plugin tensorboard fails" in caplog.text
