"""The aggregate posterior q(z) = 1/N Σ_n q(z|x_n), evaluated at many z: all N × M work is here."""

from genprobe.aggregate.assemble import AggregateDensity
from genprobe.aggregate.density import log_aggregate, log_aggregate_blocks
from genprobe.aggregate.exact import exact_log_sums
from genprobe.aggregate.queries import Queries

__all__ = ["AggregateDensity", "Queries", "exact_log_sums", "log_aggregate", "log_aggregate_blocks"]
