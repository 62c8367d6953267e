"""What a user may get wrong, and what a stranger may put into a folder."""

import json
import os
import pickle
import shutil

import pytest
import torch
from click.testing import CliRunner
from genprobe_pythae.folder import read_settings, recognises

import genprobe
from genprobe.errors import DataError, ModelError, UntrustedError


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, sprung):
        self.sprung = sprung

    def __reduce__(self):
        return os.mkdir, (str(self.sprung),)


@pytest.fixture
def saved(untrained, tmp_path):
    """The folder of an untrained VAE."""
    untrained("VAE").save(str(tmp_path / "model"))
    return tmp_path / "model"


def change(folder, **settings):
    path = folder / "model_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def says(path, *words, error=ModelError, trust=False):
    """Check the error that loading raises, and that it says what to do."""
    with pytest.raises(error) as caught:
        genprobe.load(path, trust=trust)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy
    return caught.value


def test_it_is_recognised_by_its_settings_alone(saved, tmp_path):
    assert recognises(saved)
    assert not recognises(tmp_path)
    (saved / "model.pt").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert recognises(saved)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": "BertConfig"}', "3"])
def test_other_peoples_settings_are_not_recognised(saved, content):
    (saved / "model_config.json").write_text(content)
    assert not recognises(saved)
    says(f"pythae:{saved}", str(saved / "model_config.json"))


def test_the_folder_of_a_training_run_is_that_of_its_final_model(saved, tmp_path):
    run = tmp_path / "VAE_training_now"
    run.mkdir()
    shutil.move(saved, run / "final_model")
    assert recognises(run)
    assert genprobe.load(run).name == genprobe.load(run / "final_model").name == run.name


def test_a_folder_without_settings(tmp_path):
    says(f"pythae:{tmp_path}", str(tmp_path), "model_config.json", "final_model")


def test_a_folder_without_weights(saved):
    (saved / "model.pt").unlink()
    says(saved, str(saved), "model.pt")


def test_weights_that_are_not_where_pythae_puts_them(saved):
    torch.save({"weights": {}}, saved / "model.pt")
    says(saved, "model_state_dict")


def test_weights_of_another_size(saved):
    change(saved, latent_dim=9)
    says(saved, "do not fit", "size mismatch")


def test_weights_that_are_missing(saved):
    state = torch.load(saved / "model.pt", weights_only=True)
    del state["model_state_dict"]["encoder.log_var.bias"]
    torch.save(state, saved / "model.pt")
    says(saved, "do not fit", "encoder.log_var.bias")


def test_settings_of_another_version(saved):
    change(saved, annealing="cosine")
    says(saved, "does not know", "annealing", "VAE", "another version")


def test_settings_of_another_type(saved):
    change(saved, latent_dim="many")
    says(saved, "sizes that are none", "another version")


def test_a_network_larger_than_its_weights_takes_no_memory(saved):
    change(saved, latent_dim=10**12)
    says(saved, "do not fit", "more values than the file has weights")


def test_settings_that_are_nested_too_deeply(saved):
    (saved / "model_config.json").write_text("[" * 100_000)
    with pytest.raises(ModelError, match="nested too deeply"):
        read_settings(saved)


def test_a_class_that_this_pythae_does_not_have(saved):
    change(saved, name="NVAEConfig")
    says(saved, "NVAE", "genprobe-pythae")


def test_a_name_that_is_no_class_is_not_looked_up(saved):
    change(saved, name="AutoModel")
    says(saved, "AutoModel")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("AE", "a point, not a posterior"),
        ("WAE_MMD", "a point, not a posterior"),
        ("RAE_GP", "a point, not a posterior"),
        ("RAE_L2", "a point, not a posterior"),
        ("HVAE", "Hamiltonian"),
        ("RHVAE", "Hamiltonian"),
        ("PoincareVAE", "Poincaré"),
    ],
)
def test_what_has_no_density_is_refused(kind, reason, untrained, tmp_path):
    untrained(kind).save(str(tmp_path))
    says(tmp_path, kind, reason, "These can: VAE", trust=True)


def test_an_adversarial_autoencoder_is_refused_if_deterministic(untrained, tmp_path):
    untrained("Adversarial_AE", deterministic_posterior=True).save(str(tmp_path / "point"))
    says(tmp_path / "point", "a point, not a posterior")
    untrained("Adversarial_AE").save(str(tmp_path / "normal"))
    assert genprobe.load(tmp_path / "normal").likelihood == "normal"


@pytest.mark.parametrize("kind", ["MSSSIM_VAE", "VAEGAN"])
def test_without_a_likelihood_there_is_the_rate_side(kind, untrained, tmp_path):
    untrained(kind).save(str(tmp_path))
    report = genprobe.evaluate(tmp_path, "digits", split="test")
    assert report["rate"].value > 0
    assert "distortion" not in report.to_dict()["estimates"]


@pytest.mark.parametrize(
    "kind", ["DisentangledBetaVAE", "FactorVAE", "INFOVAE_MMD", "MIWAE", "PIWAE", "CIWAE"]
)
def test_the_other_normal_ones(kind, untrained, tmp_path):
    """Each gives the posterior and reconstruction that pythae's own modules give."""
    model = untrained(kind, reconstruction_loss="bce").eval()
    model.save(str(tmp_path))
    loaded = genprobe.load(tmp_path)
    x = torch.rand(5, 1, 8, 8)
    with torch.no_grad():
        theirs, mine = model.encoder(x), loaded.encode(x)
        torch.testing.assert_close(mine["loc"], theirs.embedding)
        torch.testing.assert_close(2 * mine["scale"].log(), theirs.log_covariance)
        pixels = loaded.decode(mine["loc"])["logits"].sigmoid()
        torch.testing.assert_close(pixels, model.decoder(mine["loc"]).reconstruction)


def test_weights_that_are_code_do_not_run(saved, tmp_path):
    sprung = tmp_path / "sprung"
    torch.save({"model_state_dict": Trap(sprung)}, saved / "model.pt")
    for trust in (False, True):
        says(saved, str(saved / "model.pt"), "mkdir", trust=trust)
    assert not sprung.exists()


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_networks_that_are_code_do_not_run_without_trust(part, saved, tmp_path):
    sprung = tmp_path / "sprung"
    (saved / f"{part}.pkl").write_bytes(pickle.dumps(Trap(sprung)))
    genprobe.load(saved)  # the settings ask for no such network, and it is not looked at
    change(saved, **{f"uses_default_{part}": False})
    says(saved, f"{part}.pkl", "--trust", error=UntrustedError)
    assert not sprung.exists()
    says(saved, f"{part}.pkl", "not a network", trust=True)
    assert sprung.exists()  # the trap is one


def test_a_missing_network(saved):
    change(saved, uses_default_encoder=False)
    says(saved, "encoder.pkl", "missing", trust=True)


def test_a_network_of_another_python(saved):
    change(saved, uses_default_decoder=False)
    (saved / "environment.json").write_text(
        '{"name": "EnvironmentConfig", "python_version": "3.8"}'
    )
    (saved / "decoder.pkl").write_bytes(b"cno_such_module\nDecoder\n.")
    says(saved, "decoder.pkl", "no_such_module", "Python 3.8", trust=True)


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 8, 8), (8, 8, 1)])
def test_data_may_be_flat_or_without_a_channel(shape, saved):
    x = torch.bernoulli(torch.full((50, 64), 0.5))
    first = genprobe.evaluate(saved, x, estimators=None)
    again = genprobe.evaluate(saved, x.reshape(-1, *shape))
    for name in ("rate", "distortion"):
        assert again[name].value == pytest.approx(first[name].value, rel=1e-6)


@pytest.mark.parametrize("shape", [(49,), (2, 8, 8), (4, 16), (16, 2, 2)])
def test_data_of_another_shape(shape, saved):
    with pytest.raises(DataError, match=r"trained on \(1, 8, 8\)") as caught:
        genprobe.evaluate(saved, torch.rand(20, *shape))
    assert str(shape) in str(caught.value)


def test_the_command_line_tells_it_in_two_lines(saved):
    from genprobe.cli import main

    change(saved, uses_default_encoder=False)
    (saved / "encoder.pkl").write_bytes(b"")
    result = CliRunner().invoke(main, ["evaluate", str(saved), "--data", "digits"])
    assert result.exit_code == 1
    assert "encoder.pkl is a pickle of the model's own encoder" in result.output
    assert "--trust" in result.output
    assert "Traceback" not in result.output


def interrupted(untrained, run, epochs):
    """A run that was stopped after its last checkpoint, each with weights of its own."""
    for epoch in epochs:
        model = untrained("VAE")
        torch.nn.init.constant_(model.encoder.log_var.bias, epoch / 100)
        model.save(str(run / f"checkpoint_epoch_{epoch}"))
    return run


def test_a_run_without_a_final_model_gives_its_newest_checkpoint(untrained, tmp_path, caplog):
    run = interrupted(untrained, tmp_path / "VAE_training_now", (2, 9, 10))
    assert recognises(run)
    model = genprobe.load(run)
    assert model.name == "VAE_training_now, epoch 10"
    assert (model.module.encoder.log_var.bias == 0.1).all()
    assert "has no final_model: its newest checkpoint" in caplog.text
    assert "checkpoint_epoch_10, is taken" in caplog.text


def test_a_checkpoint_that_is_not_whole_is_passed_over(untrained, tmp_path, caplog):
    run = interrupted(untrained, tmp_path / "run", (1, 2))
    (run / "checkpoint_epoch_2" / "model.pt").unlink()
    (run / "checkpoint_epoch_best").mkdir()
    assert genprobe.load(run).name == "run, epoch 1"
    assert "checkpoint_epoch_1, is taken" in caplog.text


def test_a_final_model_is_taken_before_checkpoints(untrained, saved, tmp_path, caplog):
    run = interrupted(untrained, tmp_path / "run", (5,))
    shutil.move(saved, run / "final_model")
    assert genprobe.load(run).name == "run"
    assert genprobe.load(run / "checkpoint_epoch_5").name == "checkpoint_epoch_5"
    assert not caplog.text
