"""The built-in parts, provided through the same hooks as any plugin's.

Everything is imported inside the hooks: a command that needs no part imports no torch.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from genprobe.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from genprobe.types import DatasetReader, Family, Likelihood, Loader, PriorFactory


@hookimpl
def genprobe_loaders() -> "Sequence[Loader]":
    """Bundles, exported programs, TorchScript, and files of posteriors."""
    from genprobe.loaders.bundle import bundle
    from genprobe.loaders.exported import exported
    from genprobe.loaders.posteriors import posteriors
    from genprobe.loaders.torchscript import torchscript

    return [bundle, exported, torchscript, posteriors]


@hookimpl
def genprobe_datasets() -> "Sequence[DatasetReader]":
    """The embedded digits, IDX files, arrays on disk."""
    from genprobe.datasets.arrays import arrays
    from genprobe.datasets.digits import digits
    from genprobe.datasets.idx import idx

    return [digits, idx, arrays]


@hookimpl
def genprobe_families() -> "Sequence[Family]":
    """Posterior families."""
    from genprobe.families.bernoulli import bernoulli
    from genprobe.families.beta import beta
    from genprobe.families.categorical import categorical
    from genprobe.families.delta import delta
    from genprobe.families.diagonal_normal import diagonal_normal
    from genprobe.families.full_normal import full_normal
    from genprobe.families.gamma import gamma
    from genprobe.families.gumbel_softmax import gumbel_softmax
    from genprobe.families.laplace import laplace
    from genprobe.families.logistic_normal import logistic_normal
    from genprobe.families.low_rank_normal import low_rank_normal
    from genprobe.families.poisson import poisson
    from genprobe.families.uniform_box import uniform_box
    from genprobe.families.von_mises_fisher import von_mises_fisher

    return [
        diagonal_normal,
        full_normal,
        low_rank_normal,
        laplace,
        logistic_normal,
        bernoulli,
        categorical,
        gumbel_softmax,
        poisson,
        gamma,
        beta,
        von_mises_fisher,
        uniform_box,
        delta,
    ]


@hookimpl
def genprobe_priors() -> "Sequence[PriorFactory]":
    """Priors."""
    from genprobe.priors.bernoulli import bernoulli
    from genprobe.priors.beta import beta
    from genprobe.priors.categorical import categorical
    from genprobe.priors.diagonal_normal import diagonal_normal
    from genprobe.priors.full_normal import full_normal
    from genprobe.priors.gamma import gamma
    from genprobe.priors.laplace import laplace
    from genprobe.priors.normal_mixture import normal_mixture
    from genprobe.priors.poisson import poisson
    from genprobe.priors.standard_normal import standard_normal
    from genprobe.priors.uniform_categorical import uniform_categorical
    from genprobe.priors.uniform_sphere import uniform_sphere

    return [
        standard_normal,
        diagonal_normal,
        full_normal,
        normal_mixture,
        vamp(),
        laplace,
        gamma,
        beta,
        poisson,
        bernoulli,
        categorical,
        uniform_categorical,
        uniform_sphere,
    ]


@cache
def vamp() -> "PriorFactory":
    """Mixtures of posteriors of any registered family."""
    from genprobe.manager import plugins
    from genprobe.priors.vamp import vamp_factory

    return vamp_factory(lambda name: plugins().get("families", name))


@hookimpl
def genprobe_likelihoods() -> "Sequence[Likelihood]":
    """Likelihoods."""
    from genprobe.likelihoods.bernoulli import bernoulli
    from genprobe.likelihoods.categorical import categorical
    from genprobe.likelihoods.categorical_pixels import categorical_pixels
    from genprobe.likelihoods.continuous_bernoulli import continuous_bernoulli
    from genprobe.likelihoods.discretised_logistic_mixture import discretised_logistic_mixture
    from genprobe.likelihoods.laplace import laplace
    from genprobe.likelihoods.multinomial import multinomial
    from genprobe.likelihoods.negative_binomial import negative_binomial
    from genprobe.likelihoods.normal import normal
    from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma
    from genprobe.likelihoods.poisson import poisson
    from genprobe.likelihoods.student_t import student_t
    from genprobe.likelihoods.zero_inflated_negative_binomial import (
        zero_inflated_negative_binomial,
    )
    from genprobe.likelihoods.zero_inflated_poisson import zero_inflated_poisson

    return [
        bernoulli,
        continuous_bernoulli,
        categorical,
        categorical_pixels,
        discretised_logistic_mixture,
        normal,
        normal_optimal_sigma,
        laplace,
        student_t,
        poisson,
        zero_inflated_poisson,
        negative_binomial,
        zero_inflated_negative_binomial,
        multinomial,
    ]


@hookimpl
def genprobe_probes() -> Mapping[str, Callable[..., Any]]:
    """Rate, distortion, how both answer to wider posteriors, round trips of prior samples."""
    from genprobe.probes.distortion import distortion
    from genprobe.probes.distortion_slope import distortion_slope
    from genprobe.probes.generative_information import generative_information
    from genprobe.probes.rate import rate
    from genprobe.probes.rate_slope import rate_slope
    from genprobe.probes.unit_distortion import unit_distortion

    return {
        "rate": rate,
        "distortion": distortion,
        "unit_distortion": unit_distortion,
        "rate_slope": rate_slope,
        "distortion_slope": distortion_slope,
        "generative_information": generative_information,
    }


@hookimpl
def genprobe_estimators() -> Mapping[str, Callable[..., Any]]:
    """The rows of the report."""
    from genprobe.estimators.active_units import active_units
    from genprobe.estimators.blind_distortion import blind_distortion
    from genprobe.estimators.distortion import distortion
    from genprobe.estimators.elbo import elbo
    from genprobe.estimators.generative_mutual_information import generative_mutual_information
    from genprobe.estimators.iwae_bound import iwae_bound
    from genprobe.estimators.log_n import log_n
    from genprobe.estimators.marginal_kl import marginal_kl
    from genprobe.estimators.marginal_kl_floor import marginal_kl_floor
    from genprobe.estimators.marginal_kl_population_lower import marginal_kl_population_lower
    from genprobe.estimators.marginal_kl_population_upper import marginal_kl_population_upper
    from genprobe.estimators.mutual_information import mutual_information
    from genprobe.estimators.mutual_information_loo import mutual_information_loo
    from genprobe.estimators.mutual_information_population_upper import (
        mutual_information_population_upper,
    )
    from genprobe.estimators.prior_saving import prior_saving
    from genprobe.estimators.rate import rate
    from genprobe.estimators.rate_fitted_prior import rate_fitted_prior
    from genprobe.estimators.slope import slope
    from genprobe.estimators.total_correlation import total_correlation

    return {
        "rate": rate,
        "distortion": distortion,
        "elbo": elbo,
        "mutual_information": mutual_information,
        "log_n": log_n,
        "marginal_kl": marginal_kl,
        "marginal_kl_floor": marginal_kl_floor,
        "mutual_information_loo": mutual_information_loo,
        "rate_fitted_prior": rate_fitted_prior,
        "prior_saving": prior_saving,
        "mutual_information_population_upper": mutual_information_population_upper,
        "marginal_kl_population_lower": marginal_kl_population_lower,
        "marginal_kl_population_upper": marginal_kl_population_upper,
        "active_units": active_units,
        "total_correlation": total_correlation,
        "generative_mutual_information": generative_mutual_information,
        "slope": slope,
        "iwae_bound": iwae_bound,
        "blind_distortion": blind_distortion,
    }


@hookimpl
def genprobe_renderers() -> Mapping[str, Callable[..., str]]:
    """Formats of a report."""
    from genprobe.render.data.json import dumps
    from genprobe.render.text.latex import to_latex
    from genprobe.render.text.markdown import to_markdown
    from genprobe.render.text.table import to_text

    return {"table": to_text, "markdown": to_markdown, "latex": to_latex, "json": dumps}


@hookimpl
def genprobe_add_commands(cli: "click.Group") -> None:
    """The commands of genprobe itself."""
    from genprobe.cli.compare import compare
    from genprobe.cli.demo import demo
    from genprobe.cli.evaluate import evaluate
    from genprobe.cli.new_plugin import new_plugin
    from genprobe.cli.plugins import plugins
    from genprobe.cli.show import show
    from genprobe.cli.sweep import sweep
    from genprobe.cli.train import train

    for command in (evaluate, compare, show, train, sweep, demo, plugins, new_plugin):
        cli.add_command(command)
