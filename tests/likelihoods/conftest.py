import pytest
import torch


@pytest.fixture
def refused():
    """Check that data are refused, and that the message names the example and the value."""
    from genprobe.errors import SupportError

    def check(likelihood, x, value):
        x = x.clone()
        x[2, 1, 1] = value
        found = x[2, 1, 1].item()
        with pytest.raises(SupportError, match=f"Example 2 has the value {found:.9g}") as caught:
            likelihood.support(x)
        assert f"likelihood {likelihood.name} " in caught.value.what
        assert caught.value.remedy

    return check


@pytest.fixture
def differentiable():
    """Check the gradient of log p(x|z) by every parameter against differences."""

    def check(likelihood, params, x):
        names = list(params)
        values = [params[name].double().requires_grad_() for name in names]

        def log_prob(*given):
            named = dict(zip(names, given, strict=True))
            return likelihood.distribution(named).log_prob(x)

        assert torch.autograd.gradcheck(log_prob, values)

    return check
