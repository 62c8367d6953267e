import math

import pytest

from genprobe.estimators.code_entropy import code_entropy
from genprobe.estimators.code_perplexity import code_perplexity
from tests.estimators.test_code_entropy import source


def test_it_is_the_exponential_of_the_entropy_with_its_error_carried_over():
    entropy, found = code_entropy(source(0)), code_perplexity(source(0))
    assert found.value == pytest.approx(math.exp(entropy.value))
    step = 1e-6
    slope = (math.exp(entropy.value + step) - math.exp(entropy.value)) / step
    assert found.se_data == pytest.approx(slope * entropy.se_data, rel=1e-5)
    assert (found.se, found.unit, found.n) == (0.0, "classes", 300)
