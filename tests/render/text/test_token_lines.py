from dataclasses import replace

import pytest
import torch

import genprobe
from genprobe.render.text.token_lines import percent, short_token_lines, token_lines

RANDOM = torch.Generator().manual_seed(0)
INDEX = torch.randint(5, (400, 2, 3), generator=RANDOM)
INDEX[:, 1] = INDEX[:, 0]


@pytest.fixture(scope="module")
def report():
    params = {"index": INDEX, "classes": 8}
    return genprobe.evaluate_posteriors(params, family="residual-codes", event_shape=(1, 4, 4))


def test_two_lines_say_how_codes_are_used_and_what_they_cost(report):
    use, paid = short_token_lines(report)
    assert use.startswith("2 × 3 of 8 classes: 62 % used, perplexity 5.0")
    best = report.tokens.best
    assert f"{best.bits_per_token:.2f}" in paid
    assert f"({best.bits_per_pixel:.3f} a pixel), 2.33 by histogram, of 3.00" in paid


def test_all_lines_name_every_candidate_the_unused_and_the_levels(report):
    lines = token_lines(report)
    assert all(name in lines[1] for name in ("all alike 3.000", "position", "level before"))
    said = "3 never used on 400 examples (5, 6, 7); more examples would use none of them"
    assert said in lines
    assert [line.split(":")[0] for line in lines[-2:]] == ["level 0", "level 1"]


def test_of_few_examples_nothing_is_said_of_more():
    one = genprobe.evaluate_posteriors({"index": torch.zeros(1, 1), "classes": 3})
    assert "2 never used on 1 example (1, 2)" in token_lines(one)


def test_equal_vectors_are_listed(report):
    tokens = replace(report.tokens, duplicates=((0, 2), (1, 4, 5)))
    assert "3 have the vector of another (0 = 2; 1 = 4 = 5)" in token_lines(
        replace(report, tokens=tokens)
    )


def test_screen_and_details_have_them(report):
    assert "Tokens  2 × 3 of 8 classes" in str(report)
    assert "Tokens  2 × 3 of 8 classes" in report.details()
    assert len(str(report).splitlines()) <= 24


def test_a_report_without_tokens_has_no_lines():
    other = genprobe.evaluate_posteriors({"loc": torch.zeros(9, 2), "scale": torch.ones(9, 2)})
    assert token_lines(other) == short_token_lines(other) == []
    assert "Tokens" not in str(other)


def test_a_percentage_is_nothing_or_all_only_if_it_is():
    assert [percent(x) for x in (0.0, 1.0, 0.99999)] == ["0 %", "100 %", "99.9 %"]
