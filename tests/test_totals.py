"""The doubt in totals: the month's, that of a part of the shop, chance."""

import numpy as np
import pytest

import warehouse
from train.calibration.spread import AmountSpread
from train.calibration.totals import (
    PRIOR_MONTHS,
    SMALLEST_MONTH_ERROR,
    USUAL_VARIANCE,
    PastMonth,
    TotalDoubt,
)

CUSTOMERS = 4000


def months(number, seed, *, level=0.0, part=0.0):
    """Months whose totals stray by `level` in logs, and those of tenths by `part` besides."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        forecast = np.sort(random.lognormal(3, 1, CUSTOMERS))
        deviation = 0.5 * forecast
        tenths = np.exp(random.normal(0, part, 10)) if part else np.ones(10)
        mean = forecast * np.exp(random.normal(0, level)) * np.repeat(tenths, CUSTOMERS // 10)
        actual = np.maximum(mean + deviation * random.normal(size=CUSTOMERS), 0)
        found.append(PastMonth(actual, forecast, deviation))
    return found


def test_doubt_of_the_month_is_how_far_totals_strayed():
    # with many months Student's t is the normal distribution
    doubt = TotalDoubt.learn(months(60, 1, level=0.15)).columns(USUAL_VARIANCE)["month_doubt"]
    assert doubt == pytest.approx(1.28 * 0.15, rel=0.2)


def test_a_month_whose_level_is_less_known_is_as_much_wider():
    doubt = TotalDoubt.learn(months(6, 1, level=0.1))
    known, unknown = (doubt.columns(variance)["month_doubt"] for variance in (0.1**2, 0.3**2))
    assert unknown == pytest.approx(3 * known)


def test_chance_is_not_taken_for_the_months_doubt():
    # what is left is what was believed beforehand
    believed = 1.3 * np.sqrt(PRIOR_MONTHS / (PRIOR_MONTHS + 40) * USUAL_VARIANCE)
    doubt = TotalDoubt.learn(months(40, 2)).columns(USUAL_VARIANCE)["month_doubt"]
    assert doubt == pytest.approx(believed, rel=0.1)


def test_doubt_of_the_month_never_vanishes():
    assert TotalDoubt().columns(0.0)["month_doubt"] > SMALLEST_MONTH_ERROR


def test_doubt_of_a_part_is_how_far_parts_strayed_from_the_whole():
    found = TotalDoubt.learn(months(40, 3, part=0.2))
    assert found.part == pytest.approx(1.28 * 0.2, rel=0.25)


def test_parts_that_stray_by_chance_alone_have_no_doubt_of_their_own():
    assert TotalDoubt.learn(months(40, 4, level=0.1)).part < 0.02


def test_few_months_are_paid_for():
    as_expected = PastMonth(np.exp([0.12]), np.ones(1), np.zeros(1))
    few, many = (TotalDoubt.learn([as_expected] * number).month for number in (1, 60))
    assert few > 1.1 * many


def test_without_a_past_month_the_level_alone_is_asked():
    nothing_sold = PastMonth(np.zeros(3), np.ones(3), np.ones(3))
    assert TotalDoubt.learn([nothing_sold]) == TotalDoubt()


def test_deviation_is_that_of_what_happens():
    random = np.random.default_rng(6)
    chance, amount = random.uniform(0.2, 0.9, 40_000), random.lognormal(3, 0.5, 40_000)
    actual = (random.random(40_000) < chance) * amount * random.lognormal(-0.125, 0.5, 40_000)
    spread = AmountSpread.fit(chance * amount, chance, actual)
    said = spread.of(chance * amount, chance).deviation()
    assert np.sum(said**2) == pytest.approx(np.sum((actual - chance * amount) ** 2), rel=0.03)


def rows(sql):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).df()


LIST = "(select customer_id from marts.customer_predictions order by all limit 40)"


def total_of(sql):
    """Ask for the total of a list of customers, a temporary table in a session of its own."""
    with warehouse.connect() as connection:
        connection.execute(f"create temp table my_list as {sql}")
        return connection.execute(
            "select * from marts.total_of_customers('my_list') order by as_of_date desc limit 1"
        ).df()


def test_total_of_everybody_is_that_of_the_shop(shop_copy):
    everybody = total_of("select customer_id from main.predictions")
    shop = rows("select * from marts.total_forecasts where set_kind = 'all'")
    for name in ("customers", "expected_spend", "total_low", "total_high"):
        assert everybody[name].iloc[0] == pytest.approx(shop[name].iloc[0])


def test_a_list_in_any_spelling_counts_each_customer_once(shop_copy):
    plain = total_of(f"select * from {LIST}")
    spelt = total_of(
        f"select lower(customer_id) || ' ' as customer_id from {LIST}"
        f" union all select * from {LIST} union all select 'nobody'"
    )
    assert plain.equals(spelt)
    assert plain["customers"].iloc[0] == 40


def test_a_part_is_less_sure_than_the_whole(shop_copy):
    found = [
        total_of("select customer_id from main.predictions"),
        total_of(f"select * from {LIST}"),
    ]
    wide = [float((one["total_high"] / one["expected_spend"]).iloc[0]) for one in found]
    assert 1 < wide[0] < wide[1]


def test_regions_segments_and_tenths_add_up_to_the_shop(small_shop):
    sums = rows(
        "select set_kind, sum(customers) as n, sum(expected_spend) as spend"
        " from marts.total_forecasts where set_kind not in ('newcomers', 'whole shop') group by all"
    ).set_index("set_kind")
    assert set(sums.index) == {"all", "region", "segment", "decile"}
    assert sums["n"].nunique() == 1
    assert sums["spend"].to_numpy() == pytest.approx(sums.loc["all", "spend"])
