import pytest
import torch
from genprobe_pythae.reconstruction import take_off_sigmoid
from pythae.models.base.base_utils import ModelOutput
from torch import nn
from torch.distributions import Bernoulli

import genprobe


class Decoder(nn.Module):
    """A sigmoid, and what becomes of it."""

    def __init__(self, after):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(2, 3), nn.Sigmoid())])
        self.after = after

    def forward(self, z):
        return ModelOutput(reconstruction=self.after(self.layers[0](z)))


def test_a_last_sigmoid_is_taken_off():
    decoder, z = Decoder(lambda values: values), torch.randn(5, 2)
    before = decoder(z).reconstruction
    assert take_off_sigmoid(decoder, z)
    torch.testing.assert_close(decoder(z).reconstruction, before.logit())


@pytest.mark.parametrize("after", [torch.square, lambda values: 1 - values])
def test_a_sigmoid_whose_output_is_changed_stays(after):
    decoder, z = Decoder(after), torch.randn(5, 2)
    before = decoder(z).reconstruction
    assert not take_off_sigmoid(decoder, z)
    assert torch.equal(decoder(z).reconstruction, before)


def test_a_decoder_without_a_sigmoid_stays():
    assert not take_off_sigmoid(nn.Linear(2, 3), torch.randn(5, 2))


def test_a_certain_pixel_costs_what_its_logit_says(untrained, tmp_path):
    """Where the probability rounds to 1, pythae's own loss is capped at 100 nats."""
    model = untrained("VAE", reconstruction_loss="bce")
    with torch.no_grad():
        last = model.decoder.layers[-1][0]
        last.weight.zero_()
        last.bias.fill_(300.0)
    model.save(str(tmp_path))
    x = torch.zeros(20, 64)
    x[:, ::2] = 1
    report = genprobe.evaluate(tmp_path, x)
    exact = -Bernoulli(logits=torch.full((64,), 300.0).double()).log_prob(x[0].double()).sum()
    assert exact == 32 * 300
    assert report["distortion"].value == pytest.approx(exact.item(), rel=1e-6)
