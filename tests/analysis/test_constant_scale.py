import pytest
import torch

from genprobe.analysis.constant_scale import constant_scale

LOC = torch.randn(50, 3)


def test_a_scale_that_no_example_moves_is_said_with_its_value():
    said = constant_scale([(0, {"loc": LOC, "scale": torch.full((50, 3), 0.1)})])
    assert "scale is 0.1 for every example" in said.message


def test_also_where_each_dimension_has_its_own():
    params = {"loc": LOC, "scale": torch.rand(1, 3).expand(50, 3)}
    assert "is the same for every example" in constant_scale([(0, params)]).message


def test_of_another_family_its_own_words_are_used():
    params = {"loc": LOC, "scale_tril": torch.eye(3).expand(50, 3, 3)}
    assert "The posteriors' scale_tril is" in constant_scale([(0, params)]).message


@pytest.mark.parametrize(
    "params",
    [
        {"loc": LOC, "scale": torch.cat([torch.ones(49, 3), torch.full((1, 3), 1.1)])},
        {"logits": torch.zeros(50, 3)},
        {"loc": LOC},
        {"loc": LOC[:1], "scale": torch.ones(1, 3)},
        {"loc": torch.zeros(50, 3), "scale": torch.ones(50, 3)},
    ],
)
def test_one_that_differs_once_or_is_none_is_passed_over(params):
    assert constant_scale([(0, params)]) is None


def test_a_later_block_is_read_too():
    blocks = [(i, {"loc": LOC, "scale": torch.full((50, 3), 1.0 + i)}) for i in (0, 50)]
    assert constant_scale(blocks) is None
    assert constant_scale([blocks[0], (50, blocks[0][1])])
