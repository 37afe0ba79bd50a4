"""The state-space solver against the dense one, the peer's published numbers, and finite differences."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from phenofuse.core.errors import DateError, InputError
from phenofuse.core.gaussian import dense, state_space
from phenofuse.core.gaussian.coregionalisation import Coregionalisation
from phenofuse.core.gaussian.lanes import LANES
from phenofuse.core.gaussian.observations import gather

NAMES = ("VV", "VH", "NDVI")
EQUAL = 1e-9


@pytest.fixture(scope="module")
def reference(shared_data):
    """What the peer returned for 100 simulated pixels, with hyper-parameters that work."""
    return np.load(shared_data.parent / "reference" / "fusets_mogpr_100px_start32d.npz")


def peer_model(reference, pixel):
    """The peer's hyper-parameters; its kernels' variances go into W and kappa."""
    variance = reference["hyp_variance"][pixel][:, None]
    return Coregionalisation(reference["hyp_lengthscale"][pixel], reference["hyp_W"][pixel] * np.sqrt(variance),
                             reference["hyp_kappa"][pixel] * variance, reference["hyp_noise"][pixel])


def random_model(outputs, terms, rng):
    """Hyper-parameters within the range that real series show."""
    return Coregionalisation(rng.uniform(5, 120, terms), rng.normal(0, 0.7, (terms, outputs)),
                             rng.uniform(0, 0.4, (terms, outputs)), rng.uniform(0.01, 0.3, outputs))


def random_days(kind, outputs, rng):
    """Dates of every output: the same regular ones, the same irregular ones, or each its own."""
    if kind == "regular":
        return [np.arange(25) * 12.0 + 19000] * outputs
    if kind == "irregular":
        return [19000 + np.cumsum(rng.integers(1, 25, 25)).astype(float)] * outputs
    return [19000.5 + np.sort(rng.choice(300, 18 + 4 * p, replace=False)) for p in range(outputs)]


def random_series(days, pixels, rng):
    """Values with a third missing."""
    values = [rng.normal(0, 1, (pixels, len(own))) for own in days]
    return [np.where(rng.random(own.shape) < 0.33, np.nan, own) for own in values]


def solve(models, observations):
    """Negative log likelihood, gradient, and mean and variance of all outputs, all with the fast solver."""
    vectors = np.array([model.vector() for model in models])
    pixels, outputs = observations.series.shape[:2]
    value, gradient = np.empty(pixels), np.empty((pixels, vectors.shape[1]))
    state_space.likelihoods(vectors, observations.series, observations.steps, models[0].terms, value, gradient)
    mean = np.empty((pixels, outputs, int(observations.wanted.sum())))
    variance = np.empty_like(mean)
    state_space.smooth(vectors, observations.series, observations.steps, models[0].terms, observations.wanted, outputs, mean,
                       variance)
    return value, gradient, mean, variance


@pytest.mark.realdata
def test_dense_solver_reproduces_the_peer(reference):
    """Fed the peer's hyper-parameters, likelihood, mean and corrected standard deviation are the peer's to 1e-9."""
    days = reference["in_time"].astype("datetime64[D]").astype(float)
    for pixel in range(0, 100, 5):
        centre, scale = reference["y_mean"][pixel][:, None], reference["y_std"][pixel][:, None]
        values = (np.array([reference["in_" + name][:, pixel] for name in NAMES]) - centre) / scale
        value, mean, deviation = dense.solve(peer_model(reference, pixel), values, [days] * 3, days)
        assert abs(value - reference["nll"][pixel]) < EQUAL
        np.testing.assert_allclose(mean * scale + centre, reference["mean"][:, :, pixel], rtol=0, atol=EQUAL)
        np.testing.assert_allclose(deviation * scale, reference["std_corrected"][:, :, pixel], rtol=0, atol=EQUAL)


@pytest.mark.realdata
def test_state_space_solver_reproduces_the_peer(reference):
    """The fast solver does so too, for all pixels at once, with our own standardisation."""
    days = reference["in_time"].astype("datetime64[D]").astype(float)
    observations = gather([reference["in_" + name].T for name in NAMES], [days] * 3, days)
    models = [peer_model(reference, pixel) for pixel in range(100)]
    value, _, mean, variance = solve(models, observations)
    centre, scale = observations.centre[:, :, None], observations.scale[:, :, None]
    deviation = np.sqrt(variance + reference["hyp_noise"][:, :, None]) * scale
    np.testing.assert_allclose(value, reference["nll"], rtol=0, atol=EQUAL)
    np.testing.assert_allclose(mean * scale + centre, reference["mean"].transpose(2, 0, 1), rtol=0, atol=EQUAL)
    np.testing.assert_allclose(deviation, reference["std_corrected"].transpose(2, 0, 1), rtol=0, atol=EQUAL)


@pytest.mark.parametrize("kind", ["regular", "irregular", "own"])
@pytest.mark.parametrize("terms", [1, 2, 3])
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_state_space_equals_dense(outputs, terms, kind):
    """Likelihood, mean and standard deviation equal the dense solver's to 1e-9, on, between and outside the dates."""
    rng = np.random.default_rng(100 * outputs + 10 * terms + len(kind))
    days = random_days(kind, outputs, rng)
    values = random_series(days, 5, rng)
    at = np.unique(np.concatenate([days[0][::3], np.linspace(days[0][0] - 40, days[0][-1] + 40, 17)]))
    observations = gather(values, days, at)
    models = [random_model(outputs, terms, rng) for _ in range(5)]
    value, _, mean, variance = solve(models, observations)
    for pixel, model in enumerate(models):
        standardised = [(own[pixel] - observations.centre[pixel, p]) / observations.scale[pixel, p]
                        for p, own in enumerate(values)]
        expected, expected_mean, expected_deviation = dense.solve(model, standardised, days, at)
        assert abs(value[pixel] - expected) < EQUAL
        np.testing.assert_allclose(mean[pixel], expected_mean, rtol=0, atol=EQUAL)
        np.testing.assert_allclose(np.sqrt(variance[pixel] + model.noise[:, None]), expected_deviation, rtol=0, atol=EQUAL)


@pytest.mark.parametrize(("outputs", "terms"), [(1, 1), (2, 3), (3, 2), (3, 3)])
def test_gradient_equals_finite_differences(outputs, terms):
    """Every component of the gradient agrees with central differences of the likelihood."""
    rng = np.random.default_rng(outputs + terms)
    days = random_days("own", outputs, rng)
    observations = gather(random_series(days, 3, rng), days)
    vectors = np.array([random_model(outputs, terms, rng).vector() for _ in range(3)])
    value, gradient = np.empty(3), np.empty(vectors.shape)
    state_space.likelihoods(vectors, observations.series, observations.steps, terms, value, gradient)
    unused = np.empty_like(gradient)
    for component in range(vectors.shape[1]):
        shifted = [np.empty(3), np.empty(3)]
        for sign, result in zip((1, -1), shifted):
            moved = vectors.copy()
            moved[:, component] += sign * 1e-5
            state_space.likelihoods(moved, observations.series, observations.steps, terms, result, unused)
        np.testing.assert_allclose(gradient[:, component], (shifted[0] - shifted[1]) / 2e-5, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("length", [1e-300, 1e-3, 1e5, 1e9])
def test_extreme_length_scales(length):
    """Processes that forget at once or never give finite gradients, and the dense solver's likelihood."""
    rng = np.random.default_rng(3)
    days = random_days("own", 2, rng)
    observations = gather(random_series(days, 1, rng), days, days[0])
    model = Coregionalisation([length, 30.0], rng.normal(0, 1, (2, 2)), np.full((2, 2), 0.2), [0.1, 0.0])
    value, gradient, mean, _ = solve([model], observations)
    expected, expected_mean, _ = dense.solve(model, observations.series[0], [observations.days] * 2, days[0])
    assert np.isfinite(gradient).all()
    assert abs(value[0] - expected) < 1e-6
    np.testing.assert_allclose(mean[0], expected_mean, rtol=0, atol=1e-6)


def test_bits_do_not_depend_on_neighbours():
    """A pixel gives the same bits alone, in any lane, in any batch and in any thread."""
    rng = np.random.default_rng(8)
    days = random_days("own", 3, rng)
    values = random_series(days, 4 * LANES + 3, rng)
    observations = gather(values, days, np.arange(19000, 19300, 7.0))
    models = [random_model(3, 2, rng) for _ in values[0]]
    whole = solve(models, observations)

    def part(chosen):
        some = gather([own[chosen] for own in values], days, np.arange(19000, 19300, 7.0))
        return solve([models[i] for i in chosen], some)

    order = rng.permutation(len(models))
    batches = [order[:1], order[1:LANES + 4], order[LANES + 4:]]
    with ThreadPoolExecutor(2) as threads:
        for chosen, found in zip(batches, threads.map(part, batches)):
            for mine, expected in zip(found, whole):
                assert mine.tobytes() == expected[chosen].tobytes()


def test_nothing_observed_is_the_prior():
    """Without observations the likelihood is 1, the mean 0 and the variance the model's own."""
    rng = np.random.default_rng(1)
    model = random_model(2, 2, rng)
    days = [np.arange(10.0), np.arange(5.0)]
    observations = gather([np.full((1, 10), np.nan), np.full((1, 5), np.nan)], days, days[0])
    value, gradient, mean, variance = solve([model], observations)
    assert value[0] == 0 and not gradient.any() and not mean.any()
    expected = model.matrices().sum(axis=0).diagonal()
    np.testing.assert_allclose(variance[0], np.repeat(expected[:, None], 10, axis=1), rtol=1e-12)


def test_model_keeps_its_values():
    """A model survives its vector and its plain form, and refuses what is no model."""
    model = random_model(3, 2, np.random.default_rng(2))
    again = Coregionalisation.from_dict(model.to_dict())
    assert again.vector().tobytes() == model.vector().tobytes()
    np.testing.assert_allclose(Coregionalisation.from_vector(model.vector(), 2, 3).matrices(), model.matrices(), rtol=1e-12)
    with pytest.raises(InputError):
        Coregionalisation([10.0], [[1.0, 2.0]], [[0.1]], [0.1, 0.1])
    with pytest.raises(InputError):
        Coregionalisation([-1.0], [[1.0]], [[0.1]], [0.1])


def test_dates_are_checked():
    """Equal or falling dates, and series of another length than their dates, are refused with a sentence."""
    with pytest.raises(DateError, match="number 2"):
        gather([np.zeros((2, 3))], [[1.0, 1.0, 2.0]])
    with pytest.raises(InputError, match="dates"):
        gather([np.zeros((2, 3))], [[1.0, 2.0]])
