"""Lists, totals, features and ids of any spelling, each held against plain SQL."""

import httpx
import pytest

import warehouse
from core.ids import canonical
from serve import repository

pytest_plugins = ("tests.serve_fixtures",)


def sql(query, values=()):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query, list(values)).fetchall()


def get(url, path, **parameters):
    return httpx.get(f"{url}{path}", params=parameters, timeout=60)


def pages(url, **parameters):
    """All customers of a list, part by part."""
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = get(url, "/customers", **parameters, **more).json()
        found += page["customers"]
        cursor = page["cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-predicted_30d_spend", "predicted_30d_spend desc"),
        ("predicted_30d_spend", "predicted_30d_spend"),
        ("-purchase_probability", "purchase_probability desc"),
        ("customer_id", "customer_id"),
    ],
)
def test_the_parts_of_a_list_are_all_customers_once_in_order(api_url, small_shop, sort, order):
    found = [each["customer_id"] for each in pages(api_url, sort=sort, limit=300)]
    expected = sql(
        f"select customer_id from marts.customer_predictions order by {order}, customer_id"
    )
    assert found == [name for (name,) in expected]


def test_a_list_holds_those_that_were_asked_for(api_url, small_shop):
    [(segment, region)] = sql(
        "select segment_id, region from marts.customer_predictions"
        " group by all order by count(*) desc limit 1"
    )
    found = pages(api_url, segment=segment, region=region, min_expected=5, limit=50)
    expected = sql(
        "select customer_id, predicted_30d_spend, reasons from marts.customer_predictions"
        " where segment_id = ? and region = ? and predicted_30d_spend >= 5"
        " order by predicted_30d_spend desc, customer_id",
        [segment, region],
    )
    assert expected
    said = [(each["customer_id"], each["predicted_30d_spend"], each["reasons"]) for each in found]
    assert said == expected


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"sort": "surprise"}, "sort"),
        ({"min_expected": "nan"}, "min_expected"),
        ({"cursor": "no cursor"}, "cursor"),
        ({"cursor": "WyJjdXN0b21lcl9pZCIsIkMxIiwiQzEiXQ=="}, "cursor"),  # of another sort
        # half of a surrogate pair
        (
            {"sort": "customer_id", "cursor": "WyJjdXN0b21lcl9pZCIsICJ4XHVkODAwIiwgIkMiXQ=="},
            "cursor",
        ),
    ],
)
def test_an_impossible_list_is_refused_by_name(api_url, parameters, field):
    answer = get(api_url, "/customers", **parameters)
    assert answer.status_code == 422
    assert field in [entry["field"] for entry in answer.json()["detail"]]


def test_a_total_is_what_the_mart_says_of_the_list(api_url, small_shop):
    ids = [name for (name,) in sql("select customer_id from predictions order by all limit 40")]
    # in any spelling, twice, and with somebody whom nobody knows
    asked = [*ids, *(f" {name.lower()} " for name in ids[:7]), "nobody"]
    total = httpx.post(f"{api_url}/totals", json={"customer_ids": asked}).json()
    everybody = httpx.post(
        f"{api_url}/totals",
        json={"customer_ids": [name for (name,) in sql("select customer_id from predictions")]},
    ).json()
    [(spend,)] = sql(
        "select sum(predicted_30d_spend) from marts.customer_predictions"
        " where list_contains(?, customer_id)",
        [ids],
    )
    [whole] = sql(
        "select expected_spend, total_low, total_high from marts.total_forecasts"
        " where set_kind = 'all' order by as_of_date desc limit 1"
    )
    assert (total["customers"], total["unknown"]) == (40, 1)
    assert total["expected_spend"] == pytest.approx(spend)
    assert 0 <= total["total_low"] < spend < total["total_high"]
    said = [everybody[name] for name in ("expected_spend", "total_low", "total_high")]
    assert said == pytest.approx(list(whole))


def test_features_of_any_date_of_the_mart_are_its_row(api_url, small_shop):
    names = repository.contract().features
    rows = sql(
        f"select customer_id, as_of_date, {', '.join(names)}"
        " from features.feat_customer_snapshots order by hash(customer_id, as_of_date) limit 5"
    )
    for customer_id, day, *values in rows:
        answer = get(api_url, f"/features/{customer_id}", as_of=str(day))
        expected = dict(zip(names, map(repository.json_value, values), strict=True))
        assert answer.json()["features"] == expected
        assert answer.json()["as_of_date"] == str(day)
    now = get(api_url, f"/features/{rows[0][0]}").json()
    stored = get(api_url, f"/customers/{rows[0][0]}").json()
    assert now["features"] == stored["features"]
    assert get(api_url, f"/features/{rows[0][0]}", as_of="1999-01-01").status_code == 404


# what the loader accepts as an id, and another spelling of it
IDS = {
    "A/B": "a%2Fb",
    "Ä ß/ü?#%": "%20%C3%84%20%C3%9F%2F%C3%BC%3F%23%25",
    "7": "007.0",
    "A\nB": "a%0Ab",
}


@pytest.fixture(scope="module")
def named_oddly(scored_shop, tmp_path_factory):
    """The shop, four of whose customers have ids that are no plain words."""
    shop = scored_shop.copy_to(tmp_path_factory.mktemp("odd"))
    with warehouse.in_warehouse(shop.file), warehouse.connect() as connection:
        plain = connection.execute(
            "select customer_id from predictions order by all limit 4"
        ).fetchall()
        for (old,), new in zip(plain, IDS, strict=True):
            [(spelt,)] = connection.execute(
                f"select {canonical('id')} from (select ? as id)", [new]
            ).fetchall()
            for table in ("main.predictions", "main.prediction_reasons"):
                connection.execute(
                    f"update {table} set customer_id = ? where customer_id = ?", [spelt, old]
                )
    return shop.file


def test_a_customer_is_found_by_every_spelling_of_any_id(named_oddly, serve_shop, tmp_path):
    with serve_shop(named_oddly, tmp_path / "log") as url:
        for name, spelt in IDS.items():
            for path in (spelt, spelt.lower()):
                found = httpx.get(f"{url}/customers/{path}")
                assert found.status_code == 200, (name, path)
                assert found.json()["customer_id"].casefold() == name.casefold()
                assert found.json()["prediction"]
