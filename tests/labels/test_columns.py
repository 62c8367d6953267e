"""Labels as columns: classes, missing values, and copies that may disagree."""

import numpy as np
import torch

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.labels.columns import LEAST, QUERIES, label_columns


def test_every_label_has_its_own_columns(label):
    labels = [label([0, 1, 2, 0]), label([1, 0, -1, 1], "z")]
    tally, [first, second] = label_columns(labels)
    rows = tally.of(torch.arange(4))
    assert rows[:, first.classes].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert rows[:, second.classes].tolist() == [[0, 1], [1, 0], [0, 0], [0, 1]]
    assert (first.known, second.known) == (None, 0)
    assert rows[:, tally.moments[0]].tolist() == [1, 1, 0, 1]  # whether it has the label


def test_a_distinct_example_belongs_to_the_classes_of_its_copies(label):
    distinct = DistinctExamples.of(torch.tensor([5, 7, 5, 5, 7]))
    tally, [columns] = label_columns([label([0, 1, 0, -1, 1])], distinct)
    rows = tally.of(torch.arange(2))
    torch.testing.assert_close(rows[:, columns.classes], torch.tensor([[2 / 3, 0], [0, 1.0]]))
    known, logs = rows[:, columns.classes.stop], rows[:, columns.classes.stop + 1]
    torch.testing.assert_close(known, torch.tensor([2 / 3, 1.0]))
    torch.testing.assert_close(logs, known * known.log())


def test_many_columns_are_tallied_at_fewer_queries(label):
    few, _ = label_columns([label(np.arange(20) % 2)])
    many, _ = label_columns([label(np.arange(5000) % 500)])
    assert few.queries == QUERIES
    assert many.queries == LEAST
