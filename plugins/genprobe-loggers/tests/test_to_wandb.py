import json
import struct

import pytest
import wandb
from genprobe_loggers.names import metrics
from wandb.proto import wandb_internal_pb2 as records


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    yield
    wandb.finish()
    wandb.teardown()  # the next test has settings of its own


HEADER = struct.Struct("<4sHB")
CHUNK = struct.Struct("<IHB")
BLOCK = 1 << 15
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def chunks(data):
    """The records of an offline run: a log as LevelDB writes it, behind a header."""
    ident, _, _ = HEADER.unpack_from(data)
    assert ident == b":W&B"
    place, parts = HEADER.size, []
    while place + CHUNK.size <= len(data):
        if BLOCK - place % BLOCK < CHUNK.size:  # a block's end is left empty
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = CHUNK.unpack_from(data, place)
        place += CHUNK.size
        parts = [] if kind in (FULL, FIRST) else parts
        parts.append(data[place : place + length])
        place += length
        if kind in (FULL, LAST):
            yield b"".join(parts)


def read(file):
    """What an offline run holds: rows of its history, its name and its artifacts."""
    rows, names, artifacts = [], [], []
    for data in chunks(file.read_bytes()):
        record = records.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "history":
            items = record.history.item
            rows.append({i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items})
        elif kind == "run":
            names.append(record.run.display_name)
        elif kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
            artifacts.append(record.request.log_artifact.artifact)
        elif kind == "artifact":
            artifacts.append(record.artifact)
    return rows, names, artifacts


def logged(tmp_path):
    """Every offline run, read once wandb's own process has written all and ended."""
    wandb.finish()
    wandb.teardown()
    files = sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    return [read(file) for file in files]


def test_reports_go_into_the_active_run_against_their_epoch(evaluate, tmp_path):
    wandb.init(project="p")
    wandb.log({"loss": 1.0}, step=40)
    reports = [evaluate(epoch=epoch) for epoch in (2, 4)]
    [(rows, _, artifacts)] = logged(tmp_path)
    rows = [row for row in rows if "genprobe/rate" in row]
    assert [row["genprobe/epoch"] for row in rows] == [2, 4]
    for row, report in zip(rows, reports, strict=True):
        assert {k: row[k] for k in metrics(report)} == pytest.approx(metrics(report))
        assert row["genprobe/regime"] == report.regime.label
    assert [a.name for a in artifacts] == ["genprobe-m-epoch-2", "genprobe-m-epoch-4"]
    assert {a.type for a in artifacts} == {"genprobe-report"}


def test_where_a_project_is_named_each_model_gets_a_run(evaluate, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_PROJECT", "p")
    reports = {name: evaluate(name) for name in ("a", "b")}
    assert wandb.run is None
    found = logged(tmp_path)
    assert len(found) == 2
    for rows, names, _ in found:
        assert rows[0]["genprobe/rate"] == reports[names[0]]["rate"].value


def test_where_a_project_is_named_a_training_gets_one_run(evaluate, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_PROJECT", "p")
    for epoch in (1, 2, 3):
        evaluate(epoch=epoch)
    [(rows, _, _)] = logged(tmp_path)
    assert [row["genprobe/epoch"] for row in rows] == [1, 2, 3]


def test_nothing_happens_without_a_run(evaluate, tmp_path):
    evaluate()
    assert wandb.run is None
    assert logged(tmp_path) == []
