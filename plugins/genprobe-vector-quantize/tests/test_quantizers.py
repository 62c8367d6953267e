"""Every quantiser of the library: its indices, and what they give back, are the library's own."""

import math

import pytest
import torch
import vector_quantize_pytorch as library
from genprobe_vector_quantize import tokenizer
from genprobe_vector_quantize.quantizers import codes_of

import genprobe
from genprobe.errors import ModelError

IMAGE, ROW = (4, 3, 5), (7, 4)
"""Features of one example: (dim, height, width), or (places, dim)."""
VQ, RVQ, GRVQ = library.VectorQuantize, library.ResidualVQ, library.GroupedResidualVQ
HEADS = {"codebook_size": 8, "heads": 2, "codebook_dim": 3}
FSQ = {"levels": [5, 3, 4, 3]}
STACK = {"num_quantizers": 3}
CASES = {
    "vq": (VQ, {"dim": 4, "codebook_size": 8, "accept_image_fmap": True}, IMAGE, (3, 5)),
    "vq in a row": (VQ, {"dim": 4, "codebook_size": 8}, ROW, (7,)),
    "vq projected": (
        VQ,
        {"dim": 4, "codebook_size": 8, "codebook_dim": 2, "accept_image_fmap": True},
        IMAGE,
        (3, 5),
    ),
    "vq of cosines": (
        VQ,
        {"dim": 4, "codebook_size": 8, "use_cosine_sim": True, "accept_image_fmap": True},
        IMAGE,
        (3, 5),
    ),
    "vq channels first": (VQ, {"dim": 4, "codebook_size": 8, "channel_last": False}, (4, 7), (7,)),
    "heads": (
        VQ,
        {"dim": 4, **HEADS, "accept_image_fmap": True},
        IMAGE,
        (2, 3, 5),
    ),
    "heads, a codebook each": (
        VQ,
        {"dim": 4, **HEADS, "separate_codebook_per_head": True, "accept_image_fmap": True},
        IMAGE,
        (2, 3, 5),
    ),
    "fsq": (library.FSQ, FSQ, IMAGE, (3, 5)),
    "fsq in a row": (library.FSQ, FSQ, ROW, (7,)),
    "fsq projected": (library.FSQ, {"levels": [5, 3], "dim": 4}, IMAGE, (3, 5)),
    "fsq symmetric": (library.FSQ, {**FSQ, "preserve_symmetry": True}, IMAGE, (3, 5)),
    "fsq, two codebooks": (
        library.FSQ,
        {"levels": [5, 3], "num_codebooks": 2},
        IMAGE,
        (2, 3, 5),
    ),
    "lfq": (library.LFQ, {"codebook_size": 16}, IMAGE, (3, 5)),
    "bsq": (library.LFQ, {"codebook_size": 16, "spherical": True}, IMAGE, (3, 5)),
    "lfq, two codebooks": (
        library.LFQ,
        {"codebook_size": 4, "num_codebooks": 2},
        IMAGE,
        (2, 3, 5),
    ),
    "simvq": (library.SimVQ, {"dim": 4, "codebook_size": 8, "channel_first": True}, IMAGE, (3, 5)),
    "latent quantisation": (
        library.LatentQuantize,
        {"levels": [5, 3, 4, 3], "dim": 4},
        IMAGE,
        (3, 5),
    ),
    "residual vq": (RVQ, {"dim": 4, "codebook_size": 8, **STACK}, ROW, (3, 7)),
    "residual vq projected": (
        RVQ,
        {"dim": 4, "codebook_size": 8, "codebook_dim": 2, **STACK},
        ROW,
        (3, 7),
    ),
    "residual vq, one codebook": (
        RVQ,
        {"dim": 4, "codebook_size": 8, "shared_codebook": True, **STACK},
        ROW,
        (3, 7),
    ),
    "residual vq of networks": (
        RVQ,
        {"dim": 4, "codebook_size": 8, "implicit_neural_codebook": True, **STACK},
        ROW,
        (3, 7),
    ),
    "residual fsq": (library.ResidualFSQ, {**FSQ, **STACK}, ROW, (3, 7)),
    "residual fsq channels first": (
        library.ResidualFSQ,
        {**FSQ, "is_channel_first": True, **STACK},
        IMAGE,
        (3, 3, 5),
    ),
    "residual lfq": (library.ResidualLFQ, {"dim": 4, "codebook_size": 16, **STACK}, ROW, (3, 7)),
    "residual lfq of images": (
        library.ResidualLFQ,
        {"dim": 4, "codebook_size": 16, **STACK},
        IMAGE,
        (3, 3, 5),
    ),
    "residual simvq": (
        library.ResidualSimVQ,
        {"dim": 4, "codebook_size": 8, "channel_first": True, **STACK},
        IMAGE,
        (3, 3, 5),
    ),
    "grouped residual vq": (
        GRVQ,
        {"dim": 4, "codebook_size": 8, "groups": 2, **STACK},
        ROW,
        (6, 7),
    ),
    "grouped residual fsq": (
        library.GroupedResidualFSQ,
        {"dim": 4, "levels": [5, 3], "groups": 2, **STACK},
        ROW,
        (6, 7),
    ),
}
# A class more than the name says would pass unseen; these are worked out by hand.
CLASSES = {"fsq": 180, "fsq projected": 15, "fsq, two codebooks": 15, "lfq, two codebooks": 4}


def made(case):
    """A quantiser in evaluation mode, features, and the shape of one grid of codes."""
    kind, options, event, grid = CASES[case]
    torch.manual_seed(0)
    module = kind(**options).eval()
    return module, 2 * torch.randn(6, *event), grid


@pytest.mark.parametrize("case", CASES)
def test_indices_give_back_what_the_library_gave(case):
    module, h, grid = made(case)
    codes = codes_of(module)
    with torch.no_grad():
        out, found = module(h)[:2]
        index = codes.indices(found).long()
        again = codes.features(index)
    assert index.shape == (6, *grid)
    assert bool(codes.levels) is (len(grid) > len(CASES[case][2]) - 1)
    assert index.min() >= 0
    assert index.max() < codes.classes
    assert codes.classes == CLASSES.get(case, codes.classes)
    assert index.unique().numel() > 2
    torch.testing.assert_close(again, out, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "case", ["vq", "heads", "fsq", "bsq", "residual vq", "residual fsq", "grouped residual vq"]
)
def test_it_is_evaluated_as_codes_with_the_uniform_rate(case):
    module, h, grid = made(case)
    before = {name: value.clone() for name, value in module.state_dict().items()}

    def decoder(features):
        return {"loc": features}

    with torch.no_grad():
        mse = (module(h)[0] - h).double().square().mean().item()
    model = tokenizer(torch.nn.Identity(), module, decoder, likelihood="normal-optimal-sigma")
    report = genprobe.evaluate(model, h, device="cpu")
    assert report["rate"].value == pytest.approx(
        math.prod(grid) * math.log(codes_of(module).classes)
    )
    expected = h[0].numel() / 2 * (1 + math.log(2 * math.pi * mse))
    assert report["distortion"].value == pytest.approx(expected, rel=1e-4)
    assert report.tokens.shape == grid
    assert len(report.tokens.levels) == codes_of(module).levels
    after = module.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_quantiser_that_is_not_read_is_refused():
    module = library.RandomProjectionQuantizer(dim=4, codebook_size=8, codebook_dim=2)
    with pytest.raises(ModelError, match="RandomProjectionQuantizer is no quantiser"):
        codes_of(module)


def test_levels_of_different_size_are_refused():
    module = RVQ(dim=4, codebook_size=(8, 4))
    with pytest.raises(ModelError, match=r"codebooks of \[4, 8\] classes"):
        codes_of(module)


def test_an_fsq_without_indices_is_refused():
    with pytest.raises(ModelError, match="hands out no indices"):
        codes_of(library.FSQ([5, 3], return_indices=False))
