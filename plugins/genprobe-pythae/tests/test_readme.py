"""What README.md says of each model is what the plugin does."""

import re
from pathlib import Path

import pythae.models
from genprobe_pythae.kinds import KINDS, REFUSED

ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (Path(__file__).parent.parent / "README.md")
    .read_text(encoding="utf-8")
    .splitlines()
    if line.startswith("| ")
]


def names(cell):
    return [name for name in re.findall(r"\w+", cell) if name in pythae.models.__all__]


def test_every_model_of_pythae_is_in_one_table():
    told = [name for row in ROWS for name in names(row[0]) if len(row) in (2, 4)]
    ours = {"AutoModel", "BaseAE"}
    models = {n for n in pythae.models.__all__ if not n.endswith("Config")} - ours
    assert sorted(told) == sorted(models)
    assert KINDS.keys() | REFUSED.keys() == models


def test_the_tables_say_what_is_read_and_how():
    for row in ROWS:
        for name in names(row[0]):
            if len(row) == 2:
                assert name in REFUSED
            if len(row) == 4:
                assert KINDS[name].likelihood == (row[3] == "yes")
