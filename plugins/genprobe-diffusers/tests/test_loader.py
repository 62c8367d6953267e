import json
import os
import pickle
import socket
import subprocess
import sys

import diffusers
import pytest
import torch
from genprobe_diffusers.loader import diffusers as loader
from genprobe_diffusers.loader import load

import genprobe
from genprobe.errors import ModelError, UntrustedError
from genprobe.testing import LoaderTests

from .samples import as_tensor, autoencoder, shapes


class TestSafetensors(LoaderTests):
    part = loader
    data = as_tensor(shapes(12, 16))

    def write(self, folder):
        autoencoder().save_pretrained(folder / "vae")
        return folder / "vae"


class TestPickledTensors(LoaderTests):
    part = loader
    data = as_tensor(shapes(12, 16))

    def write(self, folder):
        autoencoder().save_pretrained(folder / "vae", safe_serialization=False)
        return folder / "vae"


class TestPipeline(LoaderTests):
    part = loader
    data = as_tensor(shapes(12, 16))

    def write(self, folder):
        save_pipeline(folder / "pipeline")
        return folder / "pipeline"


def save_pipeline(folder):
    autoencoder().save_pretrained(folder / "vae")
    content = {"_class_name": "DiffusionPipeline", "_diffusers_version": diffusers.__version__}
    (folder / "model_index.json").write_text(json.dumps(content))


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, sprung):
        self.sprung = sprung

    def __reduce__(self):
        return os.mkdir, (str(self.sprung),)


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("archive", [False, True])
def test_a_pickle_with_code_is_refused_and_not_run(archive, trust, tmp_path):
    autoencoder().save_pretrained(tmp_path / "vae", safe_serialization=False)
    path, sprung = tmp_path / "vae" / "diffusion_pytorch_model.bin", tmp_path / "sprung"
    state = torch.load(path, weights_only=True) | {"decoder.trap": Trap(sprung)}
    if archive:
        torch.save(state, path)
    else:
        path.write_bytes(pickle.dumps(state))
    with pytest.raises(UntrustedError, match=r"mkdir.*never loaded"):
        genprobe.load(tmp_path / "vae", trust=trust)
    assert not sprung.exists()


def test_nothing_is_fetched(tmp_path, monkeypatch):
    autoencoder().save_pretrained(tmp_path / "vae")

    def connect(*arguments, **options):
        raise AssertionError("it asks the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    assert genprobe.load(tmp_path / "vae").name == "vae"


def test_a_missing_weight_is_not_made_up(tmp_path):
    autoencoder().save_pretrained(tmp_path / "vae", safe_serialization=False)
    path = tmp_path / "vae" / "diffusion_pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    del state["decoder.conv_in.weight"]
    torch.save(state, path)
    with pytest.raises(ModelError, match=r"missing keys decoder\.conv_in\.weight"):
        genprobe.load(tmp_path / "vae")


def test_a_weight_left_over_is_refused(tmp_path):
    autoencoder().save_pretrained(tmp_path / "vae", safe_serialization=False)
    path = tmp_path / "vae" / "diffusion_pytorch_model.bin"
    torch.save(torch.load(path, weights_only=True) | {"more": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="unexpected keys more"):
        genprobe.load(tmp_path / "vae")


def test_weights_of_another_shape_are_refused(tmp_path):
    autoencoder().save_pretrained(tmp_path / "vae")
    path = tmp_path / "vae" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"latent_channels": 3}))
    with pytest.raises(ModelError, match="does not load as AutoencoderKL"):
        genprobe.load(tmp_path / "vae")


def test_a_folder_without_weights_is_refused(tmp_path):
    autoencoder().save_config(tmp_path / "vae")
    with pytest.raises(ModelError, match="has no weights"):
        genprobe.load(tmp_path / "vae")


def unet():
    return diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(8,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        norm_num_groups=4,
    )


def test_what_is_no_autoencoder_is_refused_with_the_reason(tmp_path):
    unet().save_pretrained(tmp_path / "model")
    assert loader.recognises(tmp_path / "model")
    with pytest.raises(ModelError, match="UNet2DModel: it is not an autoencoder of images"):
        genprobe.load(tmp_path / "model")


def test_scaling_factor_is_noted_and_not_applied(tmp_path):
    module = autoencoder(scaling_factor=0.5, shift_factor=0.1)
    module.save_pretrained(tmp_path / "vae")
    model = load(tmp_path / "vae")
    assert model.training["scaling_factor"] == 0.5
    assert model.training["shift_factor"] == 0.1
    x = as_tensor(shapes(3, 16))
    with torch.no_grad():
        assert torch.equal(model.encode(x)["loc"], module.encode(2 * x - 1).latent_dist.mean)


def test_a_config_that_is_not_diffusers_is_left_to_others(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert not loader.recognises(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    assert not loader.recognises(tmp_path)


def test_recognising_does_not_import_diffusers(tmp_path):
    autoencoder().save_pretrained(tmp_path / "vae")
    code = f"""
import pathlib, sys
from genprobe_diffusers.loader import diffusers as loader
assert loader.recognises(pathlib.Path({str(tmp_path / "vae")!r}))
assert "diffusers" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("shards", [{}, {"max_shard_size": "8KB"}])
@pytest.mark.parametrize("variant", [None, "fp16"])
def test_variants_and_shards_are_read_as_they_were_saved(safe, shards, variant, tmp_path, caplog):
    module = autoencoder()
    saved = module.half() if variant else module
    saved.save_pretrained(tmp_path / "vae", safe_serialization=safe, variant=variant, **shards)
    files = {path.suffix for path in (tmp_path / "vae").iterdir()}
    assert files == {".json", ".safetensors" if safe else ".bin"}
    assert (len(list((tmp_path / "vae").iterdir())) > 3) is bool(shards)
    found = load(tmp_path / "vae").module[0].state_dict()
    assert found.keys() == module.state_dict().keys()
    for name, values in module.state_dict().items():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], values.float())
    assert ("the variant fp16, which is taken" in caplog.text) is bool(variant)


def test_weights_without_a_variant_are_taken_before_others(tmp_path, caplog):
    autoencoder().save_pretrained(tmp_path / "vae")
    autoencoder(1).save_pretrained(tmp_path / "vae", variant="other")
    found = load(tmp_path / "vae").module[0].state_dict()
    name = "encoder.conv_in.weight"
    assert torch.equal(found[name], autoencoder().state_dict()[name])
    assert "variant" not in caplog.text


def test_several_variants_and_none_without_are_refused(tmp_path):
    for variant in ("fp16", "ema"):
        autoencoder().save_pretrained(tmp_path / "vae", variant=variant)
    with pytest.raises(ModelError, match="variants ema, fp16 and none without"):
        genprobe.load(tmp_path / "vae")
