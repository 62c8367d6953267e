import math

from genprobe.estimators.log_n import log_n


def test_log_n_is_exact():
    found = log_n(math.log(50), 50)
    assert (found.value, found.se, found.se_data, found.kind) == (math.log(50), 0, 0, "exact")
