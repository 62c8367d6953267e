"""What a user's encoder, decoder or prior raises is one clear line, wherever it is called."""

import dataclasses
import sys

import pytest
import torch
from torch.distributions import Independent, Normal

import genprobe
from genprobe import Model, Prior
from genprobe.encoding.calls import Calls
from genprobe.errors import ModelError, SupportError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.likelihoods.categorical import categorical
from genprobe.plugins import plugins
from genprobe.store.pictures import load_pictures

N, SIDE = 12, 8
X = (torch.rand(N, SIDE**2, generator=torch.Generator().manual_seed(0)) > 0.5).float()
CPU = torch.device("cpu")
WEIGHT = torch.randn(2, SIDE**2, generator=torch.Generator().manual_seed(1))

OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
]
WHO = {
    "encode": "encode of m runs out of memory on a batch of ",
    "decode": "decode of m runs out of memory on a batch of ",
    "log_prob": "The prior p runs out of memory on z of shape (2,).",
    "sample": "The prior p runs out of memory on z of shape (2,).",
    "kl": "The prior p runs out of memory on z of shape (2,).",
}
"""How a report of memory that ran out begins, by the part at fault."""


def within(place):
    """Whether a function of that name is among those that are running."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == place:
            return True
        frame = frame.f_back
    return False


def failing(function, place, error):
    """The same function, which raises an error where it is called from within a place."""

    def call(*given, **named):
        if within(place):
            raise error
        return function(*given, **named)

    return call


def model_of(part="", place="", error=None, **changes):
    """A model, one part of which raises an error where it is called from within a place."""
    standard = Independent(Normal(torch.zeros(2).double(), 1.0), 1)
    prior = {
        "log_prob": lambda z: standard.log_prob(z),
        "sample": lambda n: standard.sample((n,)),
        "kl": lambda family, params: None,
    }
    network = {
        "encode": lambda x: {"loc": x @ WEIGHT.T / 8, "scale": torch.ones_like(x[:, :2])},
        "decode": lambda z: {"logits": z @ WEIGHT},
    } | changes
    for parts in (prior, network):
        if part in parts:
            parts[part] = failing(parts[part], place, error)
    return Model(
        name="m",
        posterior="diagonal-normal",
        prior=Prior(name="p", **prior),
        likelihood="bernoulli",
        **network,
    )


def calls_of(batch_size=N, likelihood=bernoulli, **changes):
    return Calls(
        model=model_of(**changes),
        posterior=diagonal_normal,
        likelihood=likelihood,
        device=CPU,
        dtype=torch.float32,
        batch_size=batch_size,
    )


@pytest.fixture(params=OUT_OF_MEMORY, ids=lambda e: type(e).__name__)
def error(request):
    return request.param


def require_clean(told, part):
    assert told.value.what.startswith(WHO[part])
    assert len(str(told.value).splitlines()) == 2
    assert "--store" in told.value.remedy


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("encode", "prepare"),
        ("encode", "posterior_batch"),
        ("encode", "generative_information"),
        ("decode", "posterior_batch"),
        ("decode", "generative_information"),
        ("decode", "distortion_slope"),
        ("log_prob", "require_fit"),
        ("log_prob", "posterior_batch"),
        ("log_prob", "generative_information"),
        ("log_prob", "rate_slope"),
        ("sample", "generative_information"),
        ("kl", "prepare"),
        ("kl", "rate"),
        ("kl", "rate_slope"),
    ],
)
def test_memory_that_runs_out_is_told_alike_in_encoding_and_in_every_probe(part, place, error):
    with pytest.raises(ModelError) as told:
        genprobe.evaluate(model_of(part, place, error), X, estimators={}, device="cpu")
    require_clean(told, part)


def test_memory_that_runs_out_is_told_alike_in_an_estimator(error):
    def wanting(log_pz):
        raise AssertionError("log p(z) cannot be had")

    given = model_of("log_prob", "log_pz", error)
    with pytest.raises(ModelError) as told:
        genprobe.evaluate(given, X, estimators={"wanting": wanting}, device="cpu", max_queries=10)
    require_clean(told, "log_prob")


@pytest.mark.parametrize(
    ("part", "grid", "place"),
    [
        ("decode", "reconstructions", "reconstructions"),
        ("decode", "traversals", "traversals"),
        ("decode", "prior", "samples"),
        ("sample", "prior", "samples"),
    ],
)
def test_memory_that_runs_out_is_told_alike_in_pictures(tmp_path, part, grid, place, error):
    report = genprobe.evaluate(
        model_of(part, place, error), X, store=tmp_path / "s.h5", device="cpu", max_queries=10
    )
    assert load_pictures(report.store).absent[grid].startswith(WHO[part])


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("encode", "encode_examples"),
        ("encode", "forward"),
        ("encode", "require_same"),
        ("decode", "write_program"),
        ("decode", "forward"),
        ("log_prob", "require_prior"),
        ("sample", "require_prior"),
    ],
)
def test_memory_that_runs_out_is_told_alike_in_an_export(tmp_path, part, place, error):
    given = model_of(part, place, error)
    registered = dataclasses.replace(given.prior, name="standard-normal")
    given = dataclasses.replace(given, prior=registered)
    with pytest.raises(ModelError) as told:
        genprobe.export(given, tmp_path / "m", example=X)
    assert told.value.what.startswith(WHO[part].replace("prior p", "prior standard-normal"))


def test_memory_that_a_probe_runs_out_of_by_itself_names_the_probe(monkeypatch, error):
    def greedy(x):
        raise error

    monkeypatch.setattr(type(plugins()), "all", lambda self, kind: {"greedy": greedy})
    with pytest.raises(ModelError, match="The probe greedy runs out of memory on a batch of 12"):
        genprobe.evaluate(model_of(), X, estimators={}, device="cpu")


def failure_of(report):
    """The one notice of a probe that failed."""
    [found] = [w for w in report.warnings if w.code.startswith("probe-failed-")]
    return found


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("encode", "generative_information"),
        ("decode", "distortion_slope"),
        ("log_prob", "rate_slope"),
        ("sample", "generative_information"),
    ],
)
def test_any_other_error_is_told_with_the_part_the_shape_and_its_own_words(part, place):
    broken = model_of(part, place, ZeroDivisionError("Nothing to divide by."))
    who, _, shape = WHO[part].partition(" runs out of memory")
    told = failure_of(genprobe.evaluate(broken, X, estimators={}, device="cpu"))
    assert f": {who} fails{shape}".rstrip(".") in told.message
    assert told.message.endswith("): Nothing to divide by.")


@pytest.mark.parametrize("part", ["encode", "decode"])
@pytest.mark.parametrize("error", [SupportError(3, 0.5, "l", "n", "r"), torch.AcceleratorError("")])
def test_what_says_already_what_is_wrong_passes_as_it_is(part, error):
    calls = calls_of(part=part, place="ask", error=error)

    def ask():
        return calls.encode(X) if part == "encode" else calls.decode(torch.zeros(N, 2))

    with pytest.raises(type(error)) as told:
        ask()
    assert told.value is error


def caching():
    """A decoder that keeps a tensor of its first call, as caches of positions do."""
    kept = {}

    def decode(z):
        return {"logits": (z @ WEIGHT) * kept.setdefault("scale", torch.ones(1))}

    return decode


class OneWay(torch.autograd.Function):
    """The identity, with a derivative that fails."""

    @staticmethod
    def forward(context, z):
        return z.clone()

    @staticmethod
    def backward(context, gradient):
        raise NotImplementedError("no way back")


def without_gradients(z):
    if torch.is_grad_enabled():
        raise ValueError("Not with gradients.")
    return {"logits": z @ WEIGHT}


@pytest.mark.parametrize(
    ("decode", "words"),
    [
        (without_gradients, "Not with gradients."),
        (lambda z: {"logits": OneWay.apply(z) @ WEIGHT}, "no way back."),
    ],
    ids=["forward", "backward"],
)
def test_a_decoder_that_fails_with_gradients_only_is_told_with_what_to_do(decode, words):
    told = failure_of(genprobe.evaluate(model_of(decode=decode), X, estimators={}, device="cpu"))
    assert f": decode of m fails on a batch of {N}, each of shape (2,): {words}" in told.message
    assert "torch.no_grad()" in told.remedy


def test_a_tensor_that_the_decoder_keeps_of_its_first_call_can_be_differentiated_through():
    report = genprobe.evaluate(model_of(decode=caching()), X, device="cpu", max_queries=10)
    assert report.store.has("subset/distortion_slope")


def test_that_advice_helps():
    @torch.no_grad()
    def decode(z):
        return {"logits": z @ WEIGHT}

    report = genprobe.evaluate(model_of(decode=decode), X, device="cpu", max_queries=10)
    assert "slope" in report.provenance["absent"]
    assert "distortion" in report.estimates


def test_the_parts_see_the_dtype_and_record_no_gradients():
    seen = []

    def look(values):
        seen.append((values.dtype, torch.is_inference_mode_enabled()))
        return values.float()

    calls = calls_of(
        encode=lambda x: {"loc": look(x)[:, :2], "scale": torch.ones(len(x), 2)},
        decode=lambda z: {"logits": look(z) @ WEIGHT},
    )
    calls = dataclasses.replace(calls, dtype=torch.float64)
    calls.encode(X)
    calls.decode(torch.zeros(N, 2))
    calls.log_px_z(X, torch.zeros(N, 2))
    assert seen == [(torch.float64, True)] * 3


def test_what_comes_back_can_be_differentiated_through():
    scale = torch.ones(SIDE**2, requires_grad=True)
    calls = calls_of(decode=lambda z: {"probs": scale.sigmoid()})
    values = [*calls.encode(X).values(), *calls.decoder_outputs(X[:, :2]).values()]
    assert not any(v.is_inference() or v.requires_grad for v in values)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 5, N])
def test_numbers_are_those_of_one_call_whatever_the_batch_size(batch_size):
    z = torch.randn(N, 2)
    truth = torch.distributions.Bernoulli(logits=(z @ WEIGHT).double())
    calls = calls_of(batch_size)
    torch.testing.assert_close(
        calls.log_px_z(X, z), truth.log_prob(X.double()).sum(1), rtol=1e-5, atol=1e-4
    )
    torch.testing.assert_close(calls.decode(z).mean.double(), truth.mean, rtol=1e-5, atol=1e-5)
    # d/dz log p(x|z) of Bernoulli logits Wz is W (x − p).
    gradient = (X.double() - truth.probs) @ WEIGHT.T.double()
    torch.testing.assert_close(
        calls.log_px_z_gradient(X, z).double(), gradient, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("batch_size", [2, N])
def test_the_context_is_that_of_the_rows(batch_size):
    context = {"shift": torch.arange(N).float()}
    calls = calls_of(
        batch_size,
        encode=lambda x, shift: {"loc": x[:, :2] + shift[:, None], "scale": x[:, :2] + 1},
        decode=lambda z, shift: {"logits": z[:, :1] + shift[:, None]},
    ).given(context)
    rows = torch.tensor([7, 0, 11, 7])
    assert torch.equal(calls.encode(0 * X)["loc"][:, 0], context["shift"])
    assert torch.equal(calls.encode(0 * X[:4], rows)["loc"][:, 0], rows.float())
    logits = calls.decoder_outputs(torch.zeros(4, 2), rows)["logits"]
    assert torch.equal(logits[:, 0], rows.float())
    x = torch.ones(4, 1)
    truth = rows.double().sigmoid()
    torch.testing.assert_close(
        calls.log_px_z(x, torch.zeros(4, 2), rows).exp(), truth, rtol=1e-6, atol=0
    )
    torch.testing.assert_close(
        calls.log_px_z_gradient(x, torch.zeros(4, 2), rows)[:, 0].double(),
        1 - truth,
        rtol=1e-4,
        atol=1e-7,
    )


def test_a_value_outside_the_support_is_named_by_its_row():
    x = X.clone()
    x[7, 3] = 5
    calls = calls_of(2, categorical, decode=lambda z: {"logits": torch.zeros(len(z), SIDE**2, 2)})
    with pytest.raises(SupportError, match="Example 7 has the value 5"):
        calls.log_px_z(x, torch.zeros(N, 2))


def in_place(function):
    """The same function, which before it returns ruins all tensors that it was given."""

    def call(*given, **named):
        found = function(*[v.clone() if isinstance(v, torch.Tensor) else v for v in given], **named)
        for values in (*given, *named.values()):
            if isinstance(values, torch.Tensor):
                values.mul_(0).sub_(9)
        return found

    return call


@pytest.mark.parametrize("batch_size", [5, N])
def test_what_the_parts_do_to_the_tensors_they_are_lent_changes_nothing(batch_size):
    context = {"shift": torch.arange(N).float()}
    parts = {
        "encode": lambda x, shift: {"loc": x[:, :2] + shift[:, None], "scale": x[:, :2] + 1},
        "decode": lambda z, shift: {"logits": z @ WEIGHT + shift[:, None]},
    }
    z, x, rows = torch.randn(N, 2), X.clone(), torch.arange(N)
    answers = []
    for how in (lambda f: f, in_place):
        calls = calls_of(batch_size, **{k: how(f) for k, f in parts.items()}).given(context)
        answers.append(
            [
                *calls.encode(x).values(),
                *calls.decoder_outputs(z, rows).values(),
                calls.decode(z).mean,
                calls.log_px_z(x, z),
                calls.log_px_z_gradient(x, z),
            ]
        )
    for plain, ruined in zip(*answers, strict=True):
        assert torch.equal(plain, ruined)
    assert torch.equal(x, X)
    assert torch.equal(context["shift"], torch.arange(N).float())


def test_the_gradient_through_what_a_decoder_does_in_place_is_taken():
    def decode(z):
        z.mul_(3)
        return {"logits": z @ WEIGHT}

    z = torch.randn(N, 2)
    truth = (X.double() - torch.sigmoid(3 * z.double() @ WEIGHT.double())) @ WEIGHT.T.double() * 3
    found = calls_of(decode=decode).log_px_z_gradient(X, z)
    torch.testing.assert_close(found.double(), truth, rtol=1e-4, atol=1e-4)


def test_values_and_gradients_come_of_one_pass_and_are_those_of_two():
    passes = []

    def decode(z):
        passes.append(len(z))
        return {"logits": z @ WEIGHT}

    calls, z = calls_of(4, decode=decode), torch.randn(N, 2)
    values, gradient = calls.log_px_z_and_gradient(X, z)
    assert sum(passes) == N
    assert torch.equal(values, calls.log_px_z(X, z))
    assert torch.equal(gradient, calls.log_px_z_gradient(X, z))
    assert values.dtype == torch.float64


def test_without_a_gradient_there_are_no_values_of_it_either():
    calls = calls_of(decode=torch.no_grad()(lambda z: {"logits": z @ WEIGHT}))
    assert calls.log_px_z_and_gradient(X, torch.zeros(N, 2)) is None


def test_an_output_that_the_model_writes_again_in_its_next_call_is_not_changed_by_that():
    loc, logits = torch.zeros(2, 2), torch.zeros(2, SIDE**2)
    calls = calls_of(
        2,
        encode=lambda x: {"loc": loc.copy_(x[:, :2]), "scale": torch.ones(2, 2)},
        decode=lambda z: {"logits": logits[: len(z)].copy_(z @ WEIGHT)},
    )
    z = torch.randn(N, 2)
    assert torch.equal(calls.encode(X)["loc"], X[:, :2])
    torch.testing.assert_close(calls.decoder_outputs(z)["logits"], z @ WEIGHT)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_parameters_of_any_dtype_are_those_of_the_run_and_outputs_are_no_less(dtype):
    loc = (10 * torch.randn(N, 2)).to(dtype).double()
    calls = calls_of(
        encode=lambda x: {"loc": loc.to(dtype), "scale": torch.ones(N, 2, dtype=dtype)},
        decode=lambda z: {"logits": (z @ WEIGHT).to(dtype)},
    )
    params = calls.encode(X)
    assert {v.dtype for v in params.values()} == {torch.float32}
    assert torch.equal(params["loc"], loc.float())
    outputs = calls.decoder_outputs(torch.randn(N, 2))
    finer = torch.float64 if dtype == torch.float64 else torch.float32
    assert outputs["logits"].dtype == finer


@pytest.mark.parametrize("part", ["encode", "decode"])
def test_complex_parameters_are_refused_by_name(part):
    made = {"loc": X[:, :2] + 0j, "scale": X[:, :2] + 1}, {"logits": torch.zeros(N, 64) + 0j}
    calls = calls_of(encode=lambda x: made[0], decode=lambda z: made[1])
    with pytest.raises(ModelError, match=r"returns lo\w+ of complex64"):
        calls.encode(X) if part == "encode" else calls.decode(torch.zeros(N, 2))


@pytest.mark.parametrize("batch_size", [5, N])
def test_one_row_of_outputs_for_a_batch_is_refused(batch_size):
    for one in (lambda v: v[:1], lambda v: v.mean(0, keepdim=True), lambda v: v[0]):
        calls = calls_of(batch_size, decode=lambda z, one=one: {"logits": one(z @ WEIGHT)})
        for ask in (calls.log_px_z, calls.log_px_z_gradient):
            with pytest.raises(ModelError, match="the first axis must count them"):
                ask(X, torch.zeros(N, 2))
        with pytest.raises(ModelError, match="the first axis must count them"):
            calls.decode(torch.zeros(N, 2))


@pytest.mark.parametrize("shape", [(), (1,), (SIDE**2,), (1, SIDE**2), (N, 1), (N, SIDE**2)])
def test_a_scale_that_examples_or_values_share_is_taken_for_each(shape):
    sigma = torch.rand(shape) + 0.5
    normal = plugins().get("likelihoods", "normal")
    calls = calls_of(
        likelihood=normal, decode=lambda z: {"mean": z @ WEIGHT, "logvar": 2 * sigma.log()}
    )
    z = torch.randn(N, 2)
    truth = Normal((z @ WEIGHT).double(), sigma.double()).log_prob(X.double()).sum(1)
    torch.testing.assert_close(calls.log_px_z(X, z), truth, rtol=1e-5, atol=1e-4)


def evaluated(**changes):
    return genprobe.evaluate(model_of(**changes), X, estimators={}, device="cpu")


@pytest.mark.parametrize(
    ("changes", "what", "remedy"),
    [
        (
            {"encode": lambda x: {"loc": x[:, :2], "scale": -1 - x[:, :2]}},
            "gives a value of scale that must be > 0 and is not, at example 0",
            "standard deviation: of a signed sigma give sigma.abs(), of a raw log-variance (logvar",
        ),
        (
            {"encode": lambda x: {"loc": x[:, :2]}},
            "needs loc, scale",
            "scale is the standard deviation",
        ),
        (
            {"encode": lambda x: {"loc": (x.half() @ WEIGHT.T), "scale": x[:, :2] + 1}},
            "same dtype",
            "leave casts such as .half() out",
        ),
        (
            {
                "encode": lambda x: {
                    "loc": torch.nn.functional.batch_norm(x, None, None, training=True)[:, :2],
                    "scale": x[:, :2] + 1,
                }
            },
            "more than 1 value per channel when training",
            "statistics of the batch",
        ),
    ],
)
def test_common_faults_are_told_with_what_to_do_about_them(changes, what, remedy):
    with pytest.raises(ModelError) as told:
        evaluated(**changes)
    assert what in told.value.what
    assert remedy in told.value.remedy


@pytest.mark.parametrize("likelihood", ["normal", "laplace", "student-t"])
def test_a_scale_below_0_of_a_decoder_is_told_with_how_to_make_one(likelihood):
    given = {"loc": X[:1], "scale": torch.tensor(-1.0), "df": torch.tensor(3.0)}
    with pytest.raises(ModelError) as told:
        plugins().get("likelihoods", likelihood).distribution(given)
    assert ".abs()" in told.value.remedy
    assert ("(logvar / 2).exp()" in told.value.remedy) == (likelihood == "normal")


def test_outputs_that_do_not_go_together_are_told_with_their_shapes():
    normal = plugins().get("likelihoods", "normal")
    calls = calls_of(
        likelihood=normal, decode=lambda z: {"loc": z @ WEIGHT, "scale": torch.ones(len(z))}
    )
    with pytest.raises(ModelError, match=r"loc \(12, 64\) and scale \(12,\) for 12 codes, which"):
        calls.log_px_z(X, torch.zeros(N, 2))


@pytest.mark.parametrize("count", [5, SIDE**2])
def test_a_scale_of_each_example_is_not_taken_for_one_of_each_value(count):
    data = torch.rand(count, SIDE**2)
    model = model_of(decode=lambda z: {"loc": z @ WEIGHT, "scale": torch.ones(len(z))})
    model = dataclasses.replace(model, likelihood="normal")
    with pytest.raises(ModelError, match=r"scale \(\d+,\) for \d+ codes, which do not go together"):
        genprobe.evaluate(model, data, estimators={}, device="cpu", batch_size=SIDE**2)


IMAGES = torch.rand(8, 28, 28)


@pytest.mark.parametrize(
    ("layer", "helps"),
    [
        (torch.nn.Conv2d(1, 3, 3), True),
        (torch.nn.Conv2d(1, 3, 3, bias=False), True),
        (torch.nn.ConvTranspose2d(1, 3, 3), True),
        (torch.nn.BatchNorm2d(1), True),
        (lambda x: x.permute(0, 2, 3, 1), True),
        (lambda x: x.flatten(1, 3), True),
        (torch.nn.Conv2d(3, 3, 3), False),
        (torch.nn.Conv1d(1, 3, 3), False),
        (torch.nn.Linear(784, 3), False),
        (lambda x: x.reshape(-1, 5), False),
        (lambda x: {}["loc"], False),
    ],
)
def test_channels_are_suggested_only_where_the_error_is_of_them(layer, helps):
    """By what torch says: with the axis put in the call does not fail."""
    from genprobe.encoding.user_errors import TRAINED_SHAPE, user_errors

    with pytest.raises(ModelError) as error, user_errors("encode of m", (8, 28, 28), TRAINED_SHAPE):
        layer(IMAGES)
    assert ("x.unsqueeze(1)" in error.value.remedy) == helps
    if helps:
        layer(IMAGES.unsqueeze(1))
