"""A compiled forecaster says what the fitted one says, to the last bit, and is read as data."""

import io
import json
import logging

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

import warehouse
from serve.predictions import MART
from tests.test_models import CATEGORICAL, CONTRACT, EFFORT, NAMES, NUMERIC, make_rows
from train.candidates.bgnbd import VALUE_MADE_OF
from train.candidates.inference import predict_both
from train.candidates.models import Blend, candidates
from train.candidates.preprocessing import Features, for_trees
from train.candidates.protocol import KnowsLevel
from train.compiled.compiling import NotCompiledError, compiled
from train.compiled.machine_code import machine_code
from train.compiled.preparation import Preparation
from train.compiled.trees import MOST_LEAVES, Trees
from train.forecaster import Calibration, Forecaster, OutOfTime
from train.horizons import HORIZONS, Horizons, parts_of
from train.reasons.explainer import Explainer
from train.registry import artefact, flat

# coefficients, or trees of another kind: nothing reads these into arrays
NOT_COMPILED = ("linear regression", "ridge on logs", "gradient boosting")
BY_SCIKIT = "forty times as slow"


@pytest.fixture(scope="module")
def rows():
    X, y = make_rows(3_000, 0)
    months = np.repeat([9000.0, 9030.0, 9060.0], 1_000)
    # nulls, a category that is rare, and texts that are no text
    X = X.assign(ahead_day_number=months, segment_id=np.where(X.index % 7 == 0, None, "B"))
    X.loc[X.index % 11 == 0, "spend_30d"] = np.nan
    return X, y


@pytest.fixture(scope="module")
def fitted(rows):
    X, y = rows
    return {name: model.fit(X, y) for name, model in candidates(CONTRACT, effort=EFFORT).items()}


def strange(X):
    """Rows as no fit has seen them."""
    odd = X.head(40).copy()
    odd.loc[odd.index[:10], list(NUMERIC[:8])] = np.nan
    odd.loc[odd.index[10:20], "region"] = "elsewhere"
    odd.loc[odd.index[20:30], "spend_lifetime"] = 1e9
    odd.loc[odd.index[30:], "ahead_day_number"] = [*range(9100, 9109), np.nan]
    return pd.concat([X, odd])


def features(X):
    return Features.of(X, NUMERIC, CATEGORICAL)


def same_bits(left, right):
    np.testing.assert_array_equal(np.asarray(left), np.asarray(right), strict=True)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_COMPILED])
def test_a_compiled_candidate_says_the_same_to_the_last_bit(name, rows, fitted):
    X = strange(rows[0])
    flat_model = compiled(fitted[name])
    for expected, found in zip(
        predict_both(fitted[name], X), predict_both(flat_model, features(X)), strict=True
    ):
        assert (expected is None) == (found is None)
        if expected is not None:
            same_bits(found, expected)
    if isinstance(fitted[name], KnowsLevel):
        assert flat_model.level_variance(features(X)) == fitted[name].level_variance(X)


@pytest.mark.parametrize("name", NOT_COMPILED)
def test_what_cannot_be_compiled_is_named(name, fitted):
    with pytest.raises(NotCompiledError):
        compiled(fitted[name])


@pytest.mark.parametrize("bought", [0, 1, 20, 3_000])
def test_shops_that_teach_no_trees_are_compiled_too(bought, rows):
    X, _ = rows
    y = np.where(np.arange(len(X)) < bought, 5.0, 0.0)
    every = candidates(CONTRACT, effort=EFFORT)
    model = Blend([(name, every[name]) for name in ("zero-inflated log-normal", "level ratio")])
    model.fit(X, y)
    for expected, found in zip(
        predict_both(model, X), predict_both(compiled(model), features(X)), strict=True
    ):
        same_bits(found, expected)


@pytest.mark.parametrize("leaves", [2, 31, MOST_LEAVES])
def test_trees_with_nulls_and_many_leaves_say_the_same(leaves):
    random = np.random.default_rng(leaves)
    X = random.normal(size=(5_000, 6))
    X[random.random(X.shape) < 0.2] = np.nan
    y = np.nansum(X, axis=1) + np.isnan(X[:, 0])
    model = HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=leaves).fit(X, y)
    trees = Trees.of(model)
    same_bits(trees.predict(X), model.predict(X))
    same_bits([trees.predict(row[None])[0] for row in X[:300]], model.predict(X[:300]))


def test_trees_with_more_leaves_than_bits_are_not_compiled():
    X = np.random.default_rng(0).normal(size=(5_000, 3))
    model = HistGradientBoostingRegressor(max_iter=2, max_leaf_nodes=200, min_samples_leaf=5)
    assert Trees.of(model.fit(X, X.sum(axis=1))) is None


def test_steps_and_codes_are_those_of_the_transformers():
    random = np.random.default_rng(1)
    values = random.normal(size=2_000).round(1)
    frame = pd.DataFrame(
        {
            "number": np.where(random.random(2_000) < 0.1, np.nan, values),
            # more than `MAX_CATEGORIES`: the rare ones share a code
            "text": [None if row % 9 == 0 else f"t{row * row % 97}" for row in range(2_000)],
        }
    )
    prepare = for_trees(["number"], ["text"]).fit(frame)
    later = pd.concat([frame, pd.DataFrame({"number": [1e99, -1e99], "text": ["new", "(none)"]})])
    same_bits(
        Preparation.of(prepare).transform(Features.of(later, ["number"], ["text"])),
        prepare.transform(later).astype(float),
    )


def test_code_that_cannot_be_kept_is_made_all_the_same():
    names = {}
    # a function without a file: numba has no folder for its code
    exec("def fill(array):\n    array[0] = 7", names)
    array = np.zeros(1)
    machine_code(names["fill"])(array)
    assert array[0] == 7


def make_forecaster(fitted, rows, name="blend"):
    X, y = rows
    spend, chance = predict_both(fitted[name], X)
    purchase = fitted["zero-inflated log-normal"]
    calibration = Calibration.learn([OutOfTime(y, spend, chance)] if chance is not None else [])
    horizons = Horizons(*parts_of(purchase))
    horizons.spreads = dict.fromkeys(HORIZONS, calibration.spread)
    horizons.intervals = dict.fromkeys(HORIZONS, calibration.intervals)
    return Forecaster(fitted[name], purchase, calibration, NUMERIC, CATEGORICAL, horizons)


@pytest.fixture(scope="module")
def forecaster(fitted, rows):
    return make_forecaster(fitted, rows)


@pytest.fixture(scope="module")
def again(forecaster):
    """It, written and read."""
    return flat.read(flat.written(forecaster.compiled()))


def test_what_was_written_and_read_forecasts_the_same(forecaster, again, rows):
    X = strange(rows[0])
    pd.testing.assert_frame_equal(again.predict(X), forecaster.predict(X), check_exact=True)
    scores = forecaster.predict(X)
    carried_on = (each.by_horizon(each.rows(X), scores) for each in (again, forecaster))
    for found, expected in zip(*carried_on, strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert again.doubt_of_totals(X) == forecaster.doubt_of_totals(X)


def test_a_single_row_gets_what_it_gets_among_others(again, rows):
    X = strange(rows[0]).tail(200)
    together = again.predict(X)
    records = X.astype(object).where(X.notna(), None).to_dict("records")
    alone = pd.DataFrame([again.predict_records([record])[0] for record in records], index=X.index)
    pd.testing.assert_frame_equal(alone, together, check_exact=True)


def test_reasons_are_the_same(forecaster, again, rows):
    X = rows[0].head(300)
    contract = warehouse.Contract(
        tuple(
            warehouse.Column(name, "double", "feature", True, driver=name)
            for name in (*NUMERIC, *CATEGORICAL, VALUE_MADE_OF)
        )
    )
    average = float(forecaster.predict(X)["predicted_30d_spend"].mean())
    effects = [Explainer(one, contract, X, average).effects(X) for one in (forecaster, again)]
    np.testing.assert_allclose(effects[1], effects[0], rtol=0, atol=1e-9)


def test_what_is_held_twice_is_read_as_one(forecaster, again):
    assert again.horizons.level is again.purchase.spend_level_
    assert len(flat.written(again)) < 1.1 * len(flat.written(forecaster.compiled()))


def test_a_file_of_another_kind_of_object_is_refused(again):
    with np.load(io.BytesIO(flat.written(again))) as file:
        structure = json.loads(file["structure"].tobytes())
    structure["kind"] = "Popen"
    with pytest.raises(KeyError):
        flat._Reader({}).made(structure)


def test_scoring_and_serving_unpickle_nothing(shop_copy, monkeypatch):
    def unpickled(*_):
        raise AssertionError("unpickled")

    monkeypatch.setattr(joblib, "load", unpickled)
    champion = artefact.champion()
    contract = warehouse.contract()
    with warehouse.connect(read_only=True) as connection:
        frame = connection.execute(
            f"select {contract.selected('mart')} from {MART} as mart limit 50"
        ).df()
    assert champion.forecaster.is_compiled
    assert len(champion.predict(frame)) == 50


def test_a_model_that_is_not_compiled_says_so(fitted, rows, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    slow = make_forecaster(fitted, rows, "linear regression")
    with caplog.at_level(logging.WARNING):
        folder = artefact.save(
            slow, {"version": "v1", "horizon_days": 30}, CONTRACT, golden_rows=rows[0].head(30)
        )
        assert BY_SCIKIT in caplog.text
        caplog.clear()
        loaded = artefact.load(folder, CONTRACT)
        assert "not compiled" in caplog.text
    assert not loaded.forecaster.is_compiled
