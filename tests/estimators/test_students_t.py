import pytest
from scipy.stats import t

from genprobe.estimators.students_t import students_t


@pytest.mark.parametrize("degrees", [1, 2, 3, 9, 29, 1000, 10**5, 10**7])
@pytest.mark.parametrize("level", [0.5, 0.05, 1e-3, 0.05 / 19_900])
def test_it_is_the_quantile_of_both_tails(level, degrees):
    assert students_t(level, degrees) == pytest.approx(t.isf(level / 2, degrees), rel=1e-9)
