import itertools
from collections import Counter

import pytest
import torch

from genprobe.priors.token_tables import (
    ABOVE,
    AROUND,
    BEFORE,
    LEFT,
    LEVEL,
    POSITION,
    ROOT,
    Layout,
    Table,
    context_of,
)

GRID = Layout((2, 3), 4, levels=False)
STACK = Layout((2, 2, 2), 4, levels=True)
NAMES = (ROOT, LEVEL, POSITION, LEFT, ABOVE, BEFORE, AROUND)


def by_hand(name, z, layout):
    """The context of each token of one grid, as tuples, by walking over it."""
    grid = z.view(layout.shape)
    found = []
    for place in itertools.product(*map(range, layout.shape)):
        level = place[0] if layout.levels else 0

        def beside(axis, place=place):
            moved = list(place)
            moved[axis] -= 1
            return int(grid[tuple(moved)]) if moved[axis] >= 0 else "border"

        around = {LEFT: -1, ABOVE: -2, BEFORE: 0}
        if name in around:
            found.append((level, beside(around[name])))
        else:
            pair = (level, beside(-1), beside(-2)) if name == AROUND else None
            found.append({ROOT: 0, LEVEL: level, POSITION: place}.get(name, pair))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", [GRID, STACK], ids=["grid", "stack"])
def test_contexts_are_told_apart_as_by_hand(name, layout):
    if name == BEFORE and not layout.levels:
        return
    z = torch.randint(4, (50, len(torch.zeros(layout.shape).flatten())))
    found = context_of(name, z, layout)
    truth = [each for row in z for each in by_hand(name, row, layout)]
    pairs = set(zip(found.flatten().tolist(), truth, strict=True))
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def test_a_table_counts():
    contexts, tokens = torch.randint(5, (400,)), torch.randint(4, (400,))
    keys, counts = (contexts * 4 + tokens).unique(return_counts=True)
    table = Table.of(keys, counts, 2.0, 4)
    pairs = Counter(zip(contexts.tolist(), tokens.tolist(), strict=True))
    totals = Counter(contexts.tolist())
    wanted = torch.cartesian_prod(torch.arange(7), torch.arange(4))
    count, total = table.found(*wanted.T)
    assert count.tolist() == [pairs[a, b] for a, b in wanted.tolist()]
    assert total.tolist() == [totals[a] for a, _ in wanted.tolist()]
    assert torch.equal(table.rows(torch.arange(7)).flatten(), count)
    quarter = torch.full((28,), 0.25).double()
    probability = table.smoothed(*wanted.T, quarter)
    torch.testing.assert_close(probability.view(7, 4).sum(1), torch.ones(7).double())
    torch.testing.assert_close(probability, (count + 0.5) / (total + 2))


def test_neighbours_are_those_that_the_grid_has():
    assert Layout((), 4, levels=False).neighbours == ()
    assert Layout((7,), 4, levels=False).neighbours == (LEFT,)
    assert GRID.neighbours == (LEFT, ABOVE)
    assert STACK.neighbours == (LEFT, ABOVE, BEFORE)


def test_pairs_of_too_many_classes_are_no_context():
    assert GRID.pairs
    assert not Layout((2, 3), 1 << 20, levels=False).pairs
    assert not Layout((7,), 4, levels=False).pairs
