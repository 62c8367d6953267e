"""Autoencoders by their name on the hub: the network is a cache on disk, or absent."""

import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
from genprobe_diffusers import hub

import genprobe
from genprobe.errors import ModelError

from .samples import as_tensor, autoencoder, shapes

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A repository that the library serves from a folder, by the patterns it is asked for."""
    folder = tmp_path / "hub" / "models--org--vae" / "snapshots" / COMMIT
    asked = []

    def snapshot_download(name, allow_patterns):
        assert name == "org/vae"
        asked.append(allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.chdir(tmp_path)
    return folder, asked


def test_a_name_is_read_as_the_folder_that_the_library_fetches(served):
    folder, asked = served
    autoencoder(scaling_factor=0.5).save_pretrained(folder)
    model = genprobe.load("diffusers:org/vae")
    assert model.name == "vae"
    assert model.training["hub"] == "org/vae"
    assert model.training["revision"] == COMMIT
    assert model.training["scaling_factor"] == 0.5
    assert len(asked) == 1
    report = genprobe.evaluate(model, as_tensor(shapes(12, 16)), device="cpu")
    assert report.provenance["training"]["hub"] == "org/vae"


def test_of_a_pipeline_the_autoencoder_is_read(served):
    folder, _ = served
    autoencoder().save_pretrained(folder / "vae")
    (folder / "model_index.json").write_text('{"_class_name": "P", "_diffusers_version": "0"}')
    assert genprobe.load("diffusers:org/vae").training["class"] == "AutoencoderKL"


def test_no_pattern_admits_a_pickle_or_code(served):
    folder, asked = served
    folder.mkdir(parents=True)
    with pytest.raises(ModelError, match="no autoencoder in safetensors"):
        genprobe.load("diffusers:org/vae")
    assert len(asked) == 2
    for patterns in asked:
        assert {Path(p).suffix for p in patterns} == {".json", ".safetensors"}


def test_a_folder_of_that_name_is_taken_before_the_hub(served):
    _, asked = served
    autoencoder().save_pretrained("org/vae")
    assert "hub" not in genprobe.load("diffusers:org/vae").training
    assert asked == []


def test_without_a_network_it_says_so_in_one_line(tmp_path):
    code = "import genprobe.cli; genprobe.cli.main()"
    environment = {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": ":".join(sys.path),
    }
    call = [sys.executable, "-c", code, "evaluate", "diffusers:org/vae", "--data", "digits"]
    done = subprocess.run(call, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert "There is no folder org/vae, and the hub gives none: " in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def test_a_cache_serves_without_a_network(tmp_path):
    repository = tmp_path / "hub" / "models--org--vae"
    autoencoder().save_pretrained(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    code = "import genprobe; print(genprobe.load('diffusers:org/vae').training['revision'])"
    environment = {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": ":".join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.stdout.strip() == COMMIT, done.stderr


@pytest.mark.parametrize("name", ["a", "a/b/c", "/a/b", "../a b/c"])
def test_what_cannot_be_a_name_is_not_asked_for(name):
    assert hub.on_hub(Path(name)) is None
