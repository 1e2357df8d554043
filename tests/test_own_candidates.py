"""What is, and what is no candidate of one's own; and how its forecasts are opened."""

import numpy as np
import pandas as pd
import pytest
import typer
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

import warehouse
from tests.test_models import CATEGORICAL, CONTRACT, NUMERIC, make_rows
from train.backtesting.compare import PURCHASE_MODEL, purchase_model
from train.candidates.decomposition import open_up
from train.candidates.level import Levelled
from train.candidates.models import QUICK, candidates
from train.candidates.own import CandidateError, load_own
from train.candidates.preprocessing import for_linear
from train.fit import fit, main

NAME = "odd_customers:make"
# only who has been a customer for an odd number of days buys, which no tree finds out
ODD = """
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

AT_MOST = 1e6


def is_odd(X):
    return X["tenure_days"].to_numpy() % 2 == 1


class OddCustomers(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.spend_ = min(y[is_odd(X)].mean(), AT_MOST)
        return self

    def predict(self, X):
        return np.where(is_odd(X), self.spend_, 0.0)

    def predict_purchase(self, X):
        return np.where(is_odd(X), 0.99, 0.01)


def make():
    return OddCustomers()
"""


def write_module(folder, text, name="odd_customers"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    return folder


def command(*arguments):
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, list(arguments))


REFUSED = {
    "no module and function": ("odd_customers", ODD, "name a module and a function"),
    "no such module": ("elsewhere:make", ODD, r"there is no elsewhere\.py in .* Python path"),
    "no such function": ("odd_customers:build", ODD, "has no function build"),
    "module that fails": (NAME, "1 / 0", "cannot be imported .ZeroDivisionError"),
    "module that is no Python": (NAME, "def", "cannot be imported .SyntaxError"),
    "file beside it": (NAME, f"import helper\n{ODD}", "imports helper from its own folder"),
    "function that fails": (NAME, "def make():\n    return 1 / 0", "fails .ZeroDivisionError"),
    "function that needs more": (NAME, "def make(seed):\n    return 1", "missing 1 required"),
    "no estimator": (NAME, "def make():\n    return 5", "returns a int, not an unfitted"),
    "a class": (NAME, f"{ODD}\ndef make():\n    return OddCustomers", "returns a .*Meta|a type"),
    "a classifier": (
        NAME,
        "from sklearn.linear_model import LogisticRegression as make",
        "returns a LogisticRegression, not an unfitted scikit-learn regressor",
    ),
    "an estimator that clone does not copy": (
        NAME,
        f"{ODD}\nclass Other(OddCustomers):\n    def __init__(self, step=1):\n"
        "        self.step = [step]\n\ndef make():\n    return Other()",
        "cannot be cloned and pickled",
    ),
    "a class inside a function": (
        NAME,
        f"{ODD}\ndef make():\n    class Inner(OddCustomers):\n        pass\n    return Inner()",
        "cannot be cloned and pickled",
    ),
}


@pytest.mark.parametrize(("name", "text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_candidate_is_refused_by_name_before_anything_is_read(
    name, text, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(write_module(tmp_path, text))
    write_module(tmp_path, "", "helper")
    # there is no warehouse to read either
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "none.duckdb"))
    with pytest.raises(CandidateError, match=f"--candidate {name}: .*{message}"):
        fit(own=[name])
    outcome = command("--candidate", name)
    assert outcome.exit_code == 1
    assert f"error: --candidate {name}: " in outcome.stderr


def test_a_module_on_the_python_path_is_found_under_its_package(tmp_path, monkeypatch):
    write_module(tmp_path / "mine" / "forecasts", ODD)
    monkeypatch.syspath_prepend(str(tmp_path))
    own = load_own(["mine.forecasts.odd_customers:make"])
    assert own["mine.forecasts.odd_customers:make"].source.text == ODD.encode()


def test_what_is_random_in_it_has_the_seed_of_the_fit(tmp_path, monkeypatch):
    text = "from sklearn.ensemble import ExtraTreesRegressor as make"
    monkeypatch.chdir(write_module(tmp_path, text))
    made = candidates(CONTRACT, seed=7, effort=QUICK, own=load_own([NAME]))[NAME]
    assert made.estimator.random_state == 7


def test_a_pipeline_of_any_steps_shows_the_effect_of_categories_too():
    X, y = make_rows(600, 1)
    y = np.where(X["region"] == "north", y + 50, y)
    trees = make_pipeline(
        for_linear(NUMERIC, CATEGORICAL), "passthrough", ExtraTreesRegressor(5, random_state=0)
    )
    opened = open_up(clone(trees).fit(X, y), X)
    parts = opened.parts(X)
    fitted = clone(trees).fit(X, y)
    assert opened.number_features == tuple(X.columns)
    assert np.array_equal(opened.combine([], parts.numbers), fitted.predict(X))
    # all but the region as in the first row
    is_region = np.array([name == "region" for name in opened.number_features])
    mixed = opened.mixed(parts, parts, 0, [], is_region)
    expected = pd.concat([X.iloc[[0]]] * len(X), ignore_index=True).assign(region=X["region"])
    assert np.array_equal(mixed, fitted.predict(expected))


def test_a_file_in_the_folder_of_the_project_brings_no_other_file_of_ones_own(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(warehouse, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    write_module(tmp_path, "", name="warehouse")
    write_module(tmp_path, "SCALE = 2", name="scales")
    write_module(tmp_path, "import warehouse\n" + ODD)
    load_own([NAME])
    write_module(tmp_path, "import scales\n" + ODD)
    with pytest.raises(CandidateError, match="imports scales from its own folder"):
        load_own([NAME])


def test_a_candidate_that_knows_no_purchases_is_published_with_those_of_another():
    fitted = {PURCHASE_MODEL: "knows", "own": Levelled(ExtraTreesRegressor(), 10)}
    assert purchase_model(fitted, "own") == "knows"
