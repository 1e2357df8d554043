"""Why a forecast differs from the average: Shapley values by driver, adding up exactly."""

import itertools
import math

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import warehouse
from tests.test_models import CATEGORICAL, EFFORT, make_rows
from train.candidates.decomposition import open_up
from train.candidates.models import BLEND, candidates
from train.candidates.tree_patterns import TreePatterns
from train.forecaster import Calibration, Forecaster
from train.reasons.explainer import Explainer, sentences

DRIVERS = {
    "spend_30d": "spend",
    "spend_360d": "spend",
    "spend_lifetime": "spend",
    "net_spend_lifetime": "spend",
    "returns_360d": "returns",
    "orders_lifetime": "frequency",
    "active_days_lifetime": "frequency",
    "days_since_last_order": "recency",
    "tenure_days": "customer",
    "days_since_first_order": "customer",
    "region": "customer",
    "segment_id": "customer",
    "spend_336_365d": "season",
    "ahead_day_number": "season",
    "ahead_weekend_days": "season",
    "avg_order_value_lifetime": "basket",
}
WORDS = {
    "recency": ("last order {days_since_last_order:,.0f} days ago", "no order yet"),
    "spend": ("{spend_360d:,.0f} spent", "nothing spent"),
}
CONTRACT = warehouse.Contract(
    tuple(
        warehouse.Column(
            name,
            "varchar" if name in CATEGORICAL else "double",
            "categorical feature" if name in CATEGORICAL else "feature",
            True,
            driver=driver,
        )
        for name, driver in DRIVERS.items()
    ),
    drivers=WORDS,
)
NAMES = tuple(candidates(CONTRACT, effort=EFFORT))


def rows(number, seed):
    X, y = make_rows(number, seed)
    X["avg_order_value_lifetime"] = X["spend_lifetime"] / X["orders_lifetime"].clip(lower=1)
    return X, y


@pytest.fixture(scope="module")
def known():
    return rows(1500, 1)


@pytest.fixture(scope="module")
def new():
    return rows(400, 2)[0]


@pytest.fixture(scope="module")
def fitted(known):
    models = candidates(CONTRACT, effort=EFFORT)
    return {name: clone(model).fit(*known) for name, model in models.items()}


def explained(model, new):
    """The effects on new customers, and their forecasts."""
    calibration = Calibration()
    numeric = [name for name in DRIVERS if name not in CATEGORICAL]
    forecaster = Forecaster(model, model, calibration, numeric, CATEGORICAL)
    spend = np.maximum(model.predict(new), 0.0)
    explainer = Explainer(forecaster, CONTRACT, new, float(spend.mean()))
    return explainer, explainer.effects(new), spend


@pytest.mark.parametrize("name", NAMES)
def test_effects_add_up_to_forecast_minus_average(fitted, new, name):
    _, effects, spend = explained(fitted[name], new)
    np.testing.assert_allclose(effects.sum(axis=1), spend - spend.mean(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_an_opened_model_with_all_drivers_its_own_forecasts_as_before(fitted, new, name):
    opened = open_up(fitted[name], new)
    own, other = opened.parts(new), opened.parts(new.iloc[:2])
    bits = [
        tree.bits(np.ones(len(names), bool))
        for tree, names in zip(opened.trees, opened.tree_features, strict=True)
    ]
    everything = np.ones(len(opened.number_features), dtype=bool)
    said = opened.mixed(own, other, 1, bits, everything)
    np.testing.assert_allclose(said, fitted[name].predict(new), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_an_opened_model_with_no_driver_its_own_forecasts_the_other(fitted, new, name):
    opened = open_up(fitted[name], new)
    own, other = opened.parts(new), opened.parts(new.iloc[:2])
    bits = [np.zeros(len(tree.tables), dtype=np.uint16) for tree in opened.trees]
    said = opened.mixed(own, other, 1, bits, np.zeros(len(opened.number_features), dtype=bool))
    np.testing.assert_allclose(said, fitted[name].predict(new)[1], rtol=1e-12, atol=1e-12)


def test_a_driver_that_the_model_does_not_use_has_no_effect(fitted, new):
    explainer, effects, _ = explained(fitted["last 30 days"], new)
    used = {"spend", "returns"}
    for number, driver in enumerate(explainer.drivers):
        if driver not in used:
            assert not effects[:, number].any()


def test_effects_are_shapley_values_of_a_product(new):
    """Of spend = a * b * c the walked orderings come to the exact mean over all orderings."""

    class Product:
        """Of three features, one each of three drivers."""

        def predict(self, X):
            return (
                X["spend_30d"] / 10 * X["days_since_last_order"] / 100 * X["orders_lifetime"]
            ).to_numpy()

    names = ("spend_30d", "days_since_last_order", "orders_lifetime")
    filled = new.assign(**{name: new[name].fillna(1.0) + 1 for name in names})
    explainer, effects, _ = explained(Product(), filled)
    place = {driver: number for number, driver in enumerate(explainer.drivers)}
    x, found = filled.iloc[7], np.zeros(3)
    compared = explainer.compared
    columns = [*(name for name in DRIVERS if name not in CATEGORICAL), *CATEGORICAL]
    for number, weight in enumerate(compared.weight):
        other = dict(zip(columns, compared.parts.numbers[:, number], strict=True))
        for order in itertools.permutations(range(3)):
            mixed = {name: other[name] for name in names}
            before = math.prod(mixed.values()) / 1000
            for one in order:
                mixed[names[one]] = x[names[one]]
                after = math.prod(mixed.values()) / 1000
                found[one] += weight / 6 * (after - before)
                before = after
    said = effects[7, [place[DRIVERS[name]] for name in names]]
    # 16 compared customers with two orderings each stand for all six orderings
    np.testing.assert_allclose(said, found, atol=0.25 * np.abs(found).max())
    assert said.sum() == pytest.approx(found.sum())


def test_drivers_have_no_effect_on_the_mean(fitted, new):
    """Over all customers what a driver adds to some it takes from others."""
    _, effects, spend = explained(fitted[BLEND], new)
    assert np.abs(effects.mean(axis=0)).max() < 0.25 * spend.mean()


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingRegressor(loss="poisson", max_iter=20, max_leaf_nodes=15),
        HistGradientBoostingRegressor(loss="gamma", max_iter=20, max_leaf_nodes=8),
        HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=15),
        HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=15),
    ],
    ids=["log", "gamma", "identity", "logit"],
)
def test_trees_read_as_tables_say_what_they_say_themselves(model):
    random = np.random.default_rng(0)
    X = random.normal(size=(3000, 8))
    X[random.random(X.shape) < 0.1] = np.nan
    y = np.exp(np.nan_to_num(X[:, 0]) + 0.1 * random.normal(size=3000))
    is_classifier = isinstance(model, HistGradientBoostingClassifier)
    model.fit(X, y > 1 if is_classifier else y)
    trees = TreePatterns.of(model)
    everything = trees.bits(np.ones(8, dtype=bool))
    said = trees.forecast(trees.answers(X), np.zeros_like(everything), everything)
    expected = model.predict_proba(X)[:, 1] if is_classifier else model.predict(X)
    assert (said == expected).all()


def test_larger_trees_are_left_closed():
    random = np.random.default_rng(0)
    X = random.normal(size=(3000, 4))
    model = HistGradientBoostingRegressor(max_leaf_nodes=31, max_iter=5).fit(X, X.sum(axis=1))
    assert TreePatterns.of(model) is None


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (12.0, "last order 12 days ago: +18.40"),
        (1.0, "last order 1 day ago: +18.40"),
        (np.nan, "no order yet: +18.40"),
    ],
)
def test_a_reason_is_a_sentence(new, days, said):
    frame = new.iloc[:1].assign(days_since_last_order=days)
    effects = np.array([[-3.0, 18.4]])
    found = sentences(CONTRACT, frame, ["spend", "recency"], effects, np.array([[1, 0]]))
    assert found[0][0] == said
    assert found[0][1].endswith(": -3.00")


def test_every_feature_of_the_contract_has_a_driver_with_words():
    contract = warehouse.contract()
    assert {c.driver for c in contract.columns if c.role != "key"} == set(contract.drivers)
