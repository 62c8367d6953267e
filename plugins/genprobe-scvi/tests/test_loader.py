import math

import numpy as np
import pytest
import scvi
import torch
from genprobe_scvi.loader import load_scvi, require_scvi
from genprobe_scvi.loader import scvi as loader
from torch.distributions import Normal, kl_divergence

import genprobe
from genprobe.errors import DataError, ModelError, UntrustedError
from genprobe.testing import LoaderTests

DRAWS = 200
MODELS = ("zinb", "nb", "poisson", "whole", "sized", "library", "embedded")


def tensors_of(model):
    """All cells as scvi-tools hands them to its module, in order."""
    [tensors] = model._make_data_loader(adata=model.adata, batch_size=10**6)
    return tensors


def rates(module, tensors):
    """KL(q(z|x, c)‖p(z)) of each cell, and of its library size, by torch in float64."""
    outputs = module.inference(**module._get_inference_input(tensors))
    priors = module.generative(**module._get_generative_input(tensors, outputs))
    found = 0
    for q, p in ((outputs["qz"], priors["pz"]), (outputs["ql"], priors["pl"])):
        if q is not None:
            q, p = (Normal(d.loc.double(), d.scale.double()) for d in (q, p))
            found = found + kl_divergence(q, p).sum(1)
    return found


def distortions(module, tensors):
    """−log p(x|z, c) (draw, cell) by scvi-tools' own distributions in float64."""
    x, found = tensors["X"].double(), []
    for _ in range(DRAWS):
        outputs = module.inference(**module._get_inference_input(tensors))
        p = module.generative(**module._get_generative_input(tensors, outputs))["px"]
        for name in ("mu", "theta", "zi_logits", "rate"):
            if name in vars(p):
                setattr(p, name, getattr(p, name).double())
        found.append(-p.log_prob(x).double().sum(1))
    return torch.stack(found)


def information(module, tensors):
    """I(n;z) by a float64 sum over all cells, and its standard error over cells."""
    outputs = module.inference(**module._get_inference_input(tensors))
    q = Normal(outputs["qz"].loc.double(), outputs["qz"].scale.double())
    z = q.sample((50,))
    pairs = Normal(q.loc[None, None], q.scale[None, None]).log_prob(z[:, :, None]).sum(-1)
    each = q.log_prob(z).sum(-1) - (torch.logsumexp(pairs, 2) - math.log(len(q.loc)))
    return each.mean(), each.mean(1).std() / 50**0.5


@pytest.mark.parametrize("name", MODELS)
def test_rate_and_distortion_are_those_of_scvi_tools(trained, report, name):
    model, folder = trained(name)
    tensors = tensors_of(model)
    torch.manual_seed(1)
    with torch.no_grad():
        rate, distortion = rates(model.module, tensors), distortions(model.module, tensors)
    found = report(folder, "--draws", 20, "--max-queries", 50)
    estimates = found["estimates"]
    assert found["n"] == model.adata.n_obs
    assert estimates["rate"]["value"] == pytest.approx(float(rate.mean()), rel=1e-5)
    error = math.hypot(estimates["distortion"]["se"], float(distortion.mean(1).std()) / DRAWS**0.5)
    assert abs(estimates["distortion"]["value"] - float(distortion.mean())) < 4 * error
    assert error < 0.01 * estimates["distortion"]["value"]


@pytest.mark.parametrize("name", ["zinb", "nb"])
def test_the_information_is_that_of_a_sum_over_all_cells(trained, report, name):
    model, folder = trained(name)
    torch.manual_seed(2)
    with torch.no_grad():
        truth, error = information(model.module, tensors_of(model))
    found = report(folder)["estimates"]["mutual_information"]
    assert abs(found["value"] - float(truth)) < 4 * math.hypot(found["se"], float(error))


@pytest.mark.parametrize("name", ["zinb", "nb", "whole", "library"])
def test_likelihoods_are_those_of_scvi_tools_value_by_value(trained, name):
    model, folder = trained(name)
    tensors, own = tensors_of(model), load_scvi(folder, False)
    data = genprobe.open_dataset(own.training["data"])
    x = data.read(0, data.n)
    assert torch.equal(x, tensors["X"])
    given = own.condition(x, data.covariates(0, data.n))
    given = {k: v.float() if v.is_floating_point() else v for k, v in given.items()}
    with torch.no_grad():
        outputs = model.module.inference(**model.module._get_inference_input(tensors))
        truth = model.module.generative(**model.module._get_generative_input(tensors, outputs))
        z = outputs["z"]
        if name == "library":
            p = truth["pl"]
            z = torch.cat([z, (outputs["library"] - p.loc) / p.scale], 1)
        params = own.decode(z, **given)
    torch.testing.assert_close(params["mu"], truth["px"].mu, rtol=1e-4, atol=1e-6)
    theta = params["theta"].expand_as(params["mu"])
    torch.testing.assert_close(theta, truth["px"].theta, rtol=1e-5, atol=1e-6)


def test_context_names_what_the_model_is_told(trained, report):
    told = {
        "zinb": ["batch", "log_library"],
        "whole": ["batch", "categorical", "continuous", "log_library"],
        "sized": ["batch", "labels", "log_size_factor"],
        "library": ["batch"],
    }
    for name, context in told.items():
        found = report(trained(name)[1], "--max-queries", 20)
        assert found["provenance"]["context"] == context


def test_draws_do_not_depend_on_the_batch_size(trained, report):
    few, many = (
        report(trained("library")[1], "--batch-size", size, "--max-queries", 20)["estimates"]
        for size in (7, 512)
    )
    for name in ("rate", "distortion", "slope", "generative_mutual_information"):
        assert few[name]["value"] == pytest.approx(many[name]["value"], rel=1e-4)


def test_in_float64_every_dispersion_works(trained, report):
    for name in ("nb", "whole", "sized", "library"):
        found = report(trained(name)[1], "--dtype", "float64", "--max-queries", 20)
        assert found["estimates"]["rate"]["value"] > 0


def test_other_data_need_the_genes_and_the_categories_of_the_model(trained, tmp_path, cells):
    own = trained("nb")[1]
    swapped = cells()[:, ::-1].copy()
    swapped.write_h5ad(tmp_path / "swapped.h5ad")
    with pytest.raises(DataError, match="genes of the data are not those of the model"):
        genprobe.evaluate(own, tmp_path / "swapped.h5ad")
    new = cells()
    new.obs["batch"] = ["batch_0"] * 100 + ["batch_7"] * (new.n_obs - 100)
    new.write_h5ad(tmp_path / "new.h5ad")
    with pytest.raises(DataError, match="batch has the value 'batch_7', which the model has not"):
        genprobe.evaluate(own, tmp_path / "new.h5ad")
    del new.obs["batch"]
    new.write_h5ad(tmp_path / "less.h5ad")
    with pytest.raises(ModelError, match="needs the covariate 'batch'; less has labels, donor"):
        genprobe.evaluate(own, tmp_path / "less.h5ad")


def test_held_out_cells_take_the_codes_of_the_model(trained, tmp_path):
    model, folder = trained("nb")
    second = model.adata[model.adata.obs["batch"].astype(str) == "batch_1"].copy()
    second.obs["batch"] = second.obs["batch"].astype(str)
    second.write_h5ad(tmp_path / "second.h5ad")
    found = genprobe.evaluate(folder, tmp_path / "second.h5ad", draws=20, max_queries=20)
    part = {k: v[90:] for k, v in tensors_of(model).items() if len(v) == 180}
    torch.manual_seed(3)
    with torch.no_grad():
        truth = distortions(model.module, part)
    error = math.hypot(found["distortion"].se, float(truth.mean(1).std()) / DRAWS**0.5)
    assert abs(found["distortion"].value - float(truth.mean())) < 4 * error


def test_a_cell_without_counts_has_a_finite_distortion(trained):
    x = torch.zeros(20, 25)
    x[1:] = torch.poisson(torch.full((19, 25), 3.0))
    found = genprobe.evaluate(load_scvi(trained("zinb")[1], False), x, max_queries=20)
    assert math.isfinite(found["distortion"].value)


def test_logged_counts_are_refused(trained):
    x = np.log1p(np.random.default_rng(0).poisson(3.0, (20, 25))).astype(np.float32)
    with pytest.raises(DataError, match="needs non-negative integers"):
        genprobe.evaluate(trained("zinb")[1], x)


def test_a_model_with_code_of_its_own_needs_trust(tmp_path, cells):
    adata = cells()
    scvi.model.SCVI.setup_anndata(adata)
    model = scvi.model.SCVI(adata, n_hidden=8, var_activation=torch.nn.functional.softplus)
    model.is_trained_ = True
    model.save(str(tmp_path / "own"))
    with pytest.raises(UntrustedError, match=r"imports torch\._C\._nn\.softplus"):
        load_scvi(tmp_path / "own", False)
    module = load_scvi(tmp_path / "own", True).module
    assert module.z_encoder.var_activation is torch.nn.functional.softplus


def test_another_class_of_scvi_tools_is_refused_by_name(tmp_path, cells):
    adata = cells()
    scvi.model.LinearSCVI.setup_anndata(adata)
    model = scvi.model.LinearSCVI(adata, n_hidden=8)
    model.is_trained_ = True
    model.save(str(tmp_path / "linear"))
    assert loader.recognises(tmp_path / "linear")
    with pytest.raises(ModelError, match="of the class LinearSCVI; genprobe-scvi reads SCVI"):
        load_scvi(tmp_path / "linear", False)


class TestScvi(LoaderTests):
    part = loader
    data = torch.poisson(torch.full((40, 25), 3.0), generator=torch.Generator().manual_seed(0))

    @pytest.fixture(autouse=True)
    def _keep(self, trained):
        self.model = trained("zinb")[0]

    def write(self, folder):
        self.model.save(str(folder / "saved"))
        return folder / "saved"


def test_data_are_read_in_the_layer_that_the_model_was_set_up_on(trained, tmp_path, caplog, cells):
    adata = cells()
    adata.X = adata.X * 3  # counts too, and other ones: nothing but the layer tells them apart
    adata.write_h5ad(tmp_path / "full.h5ad")
    folder = trained("whole")[1]
    own, found, other = (
        genprobe.evaluate(folder, data, max_queries=20)
        for data in (None, tmp_path / "full.h5ad", f"{tmp_path}/full.h5ad::X")
    )
    assert (found["rate"], found["distortion"]) == (own["rate"], own["distortion"])
    assert other["distortion"].value > own["distortion"].value + 10
    assert "full.h5ad is read at layers/counts, as the model was set up" in caplog.text
    assert found.dataset == "full::layers/counts"


def test_data_without_that_layer_are_told_which_they_have(trained, tmp_path, cells):
    adata = cells()
    del adata.layers["counts"]
    adata.write_h5ad(tmp_path / "full.h5ad")
    with pytest.raises(DataError, match=r"no counts at 'layers/counts'; it has X\.\nName the one"):
        genprobe.evaluate(trained("whole")[1], tmp_path / "full.h5ad")


def test_a_model_of_x_reads_x(trained, tmp_path, cells):
    cells().write_h5ad(tmp_path / "full.h5ad")
    assert genprobe.evaluate(trained("nb")[1], tmp_path / "full.h5ad", max_queries=20).n == 180


@pytest.mark.parametrize(
    ("kind", "advice"),
    [("SCANVI", "their own prior"), ("TOTALVI", "their own prior"), ("LinearSCVI", "see minify")],
)
def test_the_advice_for_another_class_is_right_for_its_prior(tmp_path, kind, advice):
    with pytest.raises(ModelError, match=f"of the class {kind}[^$]*{advice}"):
        require_scvi(tmp_path, kind)
