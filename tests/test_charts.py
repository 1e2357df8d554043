"""Charts of the app are such as a browser draws."""

import json

import pandas as pd

from serve.screens import charts


def test_no_field_of_the_heat_map_has_a_name_that_vega_refuses():
    rows = pd.DataFrame(
        {
            "from_set": ["North", "South"],
            "to_set": ["South", "South"],
            "customers": [3, 4],
            "expected_spend_then": [1.0, 2.0],
            "expected_spend_now": [2.0, 2.0],
        }
    )
    told = json.dumps(charts.moved(rows).to_dict())
    assert '"expected then"' in told
    # of a promise; Vega stops at it with "Illegal property"
    assert '"then"' not in told
