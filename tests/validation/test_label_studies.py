"""The studies of labels: their truths by another way, and their tables from rows."""

import json
import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from validation.label_sections import label_sections
from validation.label_studies import bounds, centres, gap, information, label_studies
from validation.page import table


def test_the_truth_is_that_of_sampling():
    means = centres(1.0)
    torch.manual_seed(0)
    y = torch.randint(4, (200_000,))
    z = means[y] + torch.randn(len(y), 2).double()
    parts = Independent(Normal(means, torch.ones_like(means)), 1)
    mixture = MixtureSameFamily(Categorical(torch.ones(4).double()), parts)
    own = Independent(Normal(means[y], torch.ones(len(y), 2).double()), 1).log_prob(z)
    terms = own - mixture.log_prob(z)
    error = float(terms.std()) / math.sqrt(len(y))
    assert information(means) == pytest.approx(float(terms.mean()), abs=4 * error)


def test_rows_become_lines_of_every_table(tmp_path):
    rows = {
        "label-bounds-1": bounds(0, 160, 1.0),
        "label-null-300": bounds(0, 160, 2.0, classes=3),
        "label-gap": gap(0, 160),
    }
    assert {*rows} <= {study.name for study in label_studies()}
    for name, row in rows.items():
        text = json.dumps({"seed": 0, **row})
        (tmp_path / f"{name}.jsonl").write_text(f"{{}}\n{text}\n", encoding="utf-8")
    text = "\n".join(table(section) for section in label_sections(tmp_path))
    for name in rows:
        assert f"| {name} | 1 |" in text
