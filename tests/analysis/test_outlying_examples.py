import pytest
import torch

import genprobe
from genprobe import Model
from genprobe.analysis.outlying_examples import outlying_examples


def rates(n=200):
    return 5 + torch.randn(1, n).double()


def test_the_few_are_named_with_their_share_and_what_is_left():
    rate = rates()
    rate[0, [3, 70, 150]] = torch.tensor([2e9, 3e9, 1e9]).double()
    others = torch.cat([rate[0, :3], rate[0, 4:70], rate[0, 71:150], rate[0, 151:]])
    said = outlying_examples({"rate": rate})
    assert "3 of 200 examples (70, 3, 150) carry 100 % of the rate" in said.message
    assert f"{others.mean():.2f} nats" in said.remedy


def test_the_share_is_that_of_the_sum():
    rate = torch.full((1, 200), 1.0).double()
    rate[0, 9] = 801.0
    said = outlying_examples({"rate": rate})
    assert "(9) carries 80 % of the rate" in said.message
    assert "it 1.00" in said.remedy
    assert "is 5.00" in said.remedy


def test_both_the_rate_and_the_distortion_are_looked_at():
    rate, distortion = rates(), rates()
    distortion[0, 4] = 1e7
    said = outlying_examples({"rate": rate, "distortion": distortion}).message
    assert "the distortion" in said
    assert "the rate" not in said


def test_a_density_has_no_share():
    distortion = rates() - 8
    distortion[0, 4] = -1e7
    assert "1 of 200 examples (4) decides the distortion" in (
        outlying_examples({"distortion": distortion}).message
    )


NORMAL = torch.randn(2000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "each",
    [
        NORMAL,
        NORMAL.exp(),
        (1.5 * NORMAL).exp(),
        NORMAL.clamp(min=0.0),
        torch.full((200,), 3.0),
        torch.zeros(200),
        torch.arange(9.0) ** 9,
        torch.cat([torch.zeros(199), torch.tensor([0.5])]),
        torch.cat([torch.ones(150), torch.full((50,), 1e9)]),
    ],
)
def test_usual_spreads_and_more_than_a_few_are_passed_over(each):
    assert outlying_examples({"rate": each[None].double()}) is None


def test_a_report_names_them_and_its_table_stays_a_table():
    x = (torch.rand(200, 6) > 0.5).float()
    x[17] = 1
    x[:17, 0] = x[18:, 0] = 0
    model = Model(
        name="m",
        encode=lambda x: {
            "loc": x[:, :2],
            "scale": torch.where(x[:, :1] > 0, 1e10, 0.4 + 0.1 * x[:, 1:2]).expand(-1, 2),
        },
        decode=lambda z: {"logits": torch.zeros(len(z), 6)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    report = genprobe.evaluate(model, x)
    assert report.warnings[0].code == "outlying-examples"
    assert "1 of 200 examples (17)" in report.warnings[0].message
    text = report.details()
    assert "…" not in text.split("KL by dimension")[0]
    assert max(map(len, text.splitlines())) <= 80
    assert "5.000e+17" in text  # 2 · ½ · 1e20 / 200
    assert "a few examples decide its numbers" in " ".join(text.split())
