import numpy as np
import scipy.fft
import torch

from genprobe.distributions.cosine_transform import inverse, of_variances, transform

VALUES = torch.randn(3, 2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_it_is_the_transform_of_scipy():
    for axes in (1, 2):
        truth = scipy.fft.dctn(VALUES.numpy(), axes=range(-axes, 0), norm="ortho")
        np.testing.assert_allclose(transform(VALUES, axes).numpy(), truth, atol=1e-12)


def test_its_inverse_gives_the_values_back():
    for axes in (1, 2):
        torch.testing.assert_close(inverse(transform(VALUES, axes), axes), VALUES)


def test_variances_are_the_diagonal_of_the_covariance_of_the_coefficients():
    eye = torch.eye(20, dtype=torch.float64).reshape(20, 5, 4)
    matrix = transform(eye, 2).flatten(1).T  # coefficients of each unit vector, in columns
    variances = VALUES[0].square()
    for channel in (0, 1):
        covariance = matrix @ variances[channel].flatten().diag() @ matrix.T
        found = of_variances(variances, 2)[channel].flatten()
        torch.testing.assert_close(found, covariance.diagonal())


def test_gradients_pass_through_it():
    values = VALUES[0].clone().requires_grad_()
    transform(values, 2).square().sum().backward()
    torch.testing.assert_close(values.grad, 2 * VALUES[0])
