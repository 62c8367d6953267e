"""The conformance suite, on what pythae writes."""

import torch
from genprobe_pythae.loader import loader
from pythae.data.datasets import DatasetOutput
from pythae.models import (
    VAE,
    VAE_IAF,
    VAMP,
    VQVAE,
    VAE_IAF_Config,
    VAEConfig,
    VAMPConfig,
    VQVAEConfig,
)
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import nn

from genprobe.testing import LoaderTests

SHAPE = (1, 8, 8)
LATENT = 3
SIZES = {"input_dim": SHAPE, "latent_dim": LATENT}


class Encoder(BaseEncoder):
    """A network of the user's own."""

    def __init__(self):
        super().__init__()
        self.both = nn.Linear(64, 2 * LATENT)

    def forward(self, x):
        loc, log_var = self.both(x.flatten(1)).chunk(2, 1)
        return ModelOutput(embedding=loc, log_covariance=log_var)


class Decoder(BaseDecoder):
    """One whose output is a sigmoid's, but not of the last layer in it."""

    def __init__(self):
        super().__init__()
        self.squash = nn.Sigmoid()
        self.linear = nn.Linear(LATENT, 64)

    def forward(self, z):
        return ModelOutput(reconstruction=self.squash(self.linear(z)).reshape(-1, *SHAPE))


class GridEncoder(BaseEncoder):
    """Two channels on a grid of 2 × 2."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 2, 4, stride=4)

    def forward(self, x):
        return ModelOutput(embedding=self.patches(x))


class GridDecoder(BaseDecoder):
    """The other way."""

    def __init__(self):
        super().__init__()
        self.pixels = nn.ConvTranspose2d(2, 1, 4, stride=4)

    def forward(self, z):
        return ModelOutput(reconstruction=self.pixels(z))


def own_networks():
    config = VAEConfig(**SIZES, reconstruction_loss="bce")
    return VAE(config, encoder=Encoder(), decoder=Decoder())


class PythaeTests(LoaderTests):
    __test__ = False

    part = loader
    data = torch.bernoulli(
        torch.full((40, *SHAPE), 0.5), generator=torch.Generator().manual_seed(0)
    )

    def saved(self):
        raise NotImplementedError

    def write(self, folder):
        model = self.saved()
        model.save(str(folder / "model"))
        return folder / "model"


class TestVae(PythaeTests):
    __test__ = True

    def saved(self):
        return VAE(VAEConfig(**SIZES, reconstruction_loss="bce"))


class TestVamp(PythaeTests):
    __test__ = True

    def saved(self):
        return VAMP(VAMPConfig(**SIZES, number_components=5))


class TestVqVae(PythaeTests):
    __test__ = True

    def saved(self):
        return VQVAE(VQVAEConfig(**SIZES, num_embeddings=6, use_ema=True))


class TestFlow(PythaeTests):
    __test__ = True

    def saved(self):
        return VAE_IAF(VAE_IAF_Config(**SIZES))


class TestOwnNetworks(PythaeTests):
    __test__ = True

    needs_trust = True

    def saved(self):
        return own_networks()


class TestVqVaeOnAGrid(PythaeTests):
    __test__ = True
    needs_trust = True

    def saved(self):
        config = VQVAEConfig(**SIZES, num_embeddings=6)
        model = VQVAE(config, encoder=GridEncoder(), decoder=GridDecoder())
        model.quantizer.embeddings.weight.data.normal_()
        return model

    def test_its_codes_decode_as_in_pythae(self, tmp_path):
        path = self.write(tmp_path)
        mine = loader.load(path, True)
        with torch.no_grad():
            z = mine.encode(self.data)["logits"].argmax(-1)
            theirs = VQVAE.load_from_folder(str(path)).eval()(DatasetOutput(data=self.data))
            assert z.shape == (40, 2, 2)
            assert len(z.unique()) > 1
            assert torch.equal(z, theirs.quantized_indices.squeeze(1))
            torch.testing.assert_close(mine.decode(z.float())["loc"], theirs.recon_x)
