"""A few rows whose forecasts are kept with a model: it must still say the same of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from train.forecaster import COLUMNS, Forecaster

ROWS = 20
TOLERANCE = 1e-9
PREFIX = "forecast: "


def pick(forecaster: Forecaster, frame: pd.DataFrame) -> pd.DataFrame:
    """Choose `ROWS` rows from the lowest forecast to the highest, and forecast them.

    Parameters
    ----------
    frame
        At least the contract's features, some rows of them.

    Returns
    -------
    DataFrame
        The features and, each with `PREFIX`, the forecast's columns.
    """
    features = frame[[*forecaster.numeric, *forecaster.categorical]]
    order = np.argsort(forecaster.predict(features)[COLUMNS[0]].to_numpy(), kind="stable")
    places = np.unique(np.linspace(0, max(len(order) - 1, 0), ROWS).round().astype(int))
    rows = features.iloc[order[places[: len(order)]]].reset_index(drop=True)
    # forecast anew, as few as they are: sums of many rows at once may round otherwise
    return pd.concat([rows, forecaster.predict(rows).add_prefix(PREFIX)], axis=1)


def difference(
    forecaster: Forecaster, kept: pd.DataFrame, tolerance: float = TOLERANCE
) -> str | None:
    """Say how a forecaster departs from its forecasts when it was saved; None where it does not."""
    forecasts = forecaster.predict(kept)
    for name in COLUMNS:
        before, now = kept[PREFIX + name].to_numpy(), forecasts[name].to_numpy()
        far = ~np.isclose(now, before, rtol=tolerance, atol=1e-12 if tolerance else 0.0)
        if far.any():
            row = int(np.argmax(far))
            return f"{name} of golden row {row} was {float(before[row])!r}, is {float(now[row])!r}"
    return None
