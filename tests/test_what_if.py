from datetime import date, timedelta
from decimal import Decimal

import pytest
import typer
from typer.testing import CliRunner

import warehouse
from proof import building
from serve import repository, what_if
from serve.changes import Change, ChangeError
from serve.one_customer import one_customer
from serve.predictions import COLUMNS, MART
from serve.what_if import UnknownCustomerError

CUSTOMERS = "features.feat_customers"
# customers whose histories are the hardest to follow, and one of the plainest
PICKED = {
    "plain": "orders_lifetime between 3 and 8 and returns_share_lifetime = 0",
    "never bought": "orders_lifetime = 0",
    "bought once": "orders_lifetime = 1",
    "returns": "returns_share_lifetime > 0 and orders_lifetime > 5",
    "busy": "orders_lifetime > 20",
    "restated": "customer_id in (select customer_id from intermediate.int_active_days_restated)",
    "late": (
        "customer_id in (select customer_id from intermediate.int_customer_days_spaced"
        " where known_date > event_date)"
    ),
    "void": (
        "customer_id in (select customer_id from intermediate.int_orders_totalled"
        " where known_until < date '9999-12-31')"
    ),
}


def rows(query, parameters=None):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()


def current_date():
    with repository.reading() as connection:
        return repository.current_date(connection)


def picked(kind, number=1):
    found = rows(
        f"select customer_id from {MART} where as_of_date = ? and {PICKED[kind]}"
        " order by hash(customer_id) limit ?",
        [current_date(), number],
    )
    return [row[0] for row in found]


def stored_features(customer_id, table=MART):
    """The mart's row of the current date, by feature."""
    with repository.reading() as connection:
        cursor = connection.execute(
            f"select * exclude (as_of_date, customer_id) from {table}"
            " where customer_id = ? and as_of_date = ?",
            [customer_id, repository.current_date(connection)],
        )
        names = [column[0] for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))


@pytest.mark.parametrize("kind", PICKED)
def test_with_nothing_changed_the_features_are_those_of_the_mart(small_shop, kind):
    customers = picked(kind, 5)
    assert customers
    for customer_id in customers:
        with repository.reading() as connection, one_customer(connection) as one:
            # others read the warehouse meanwhile
            found = one.features(customer_id, current_date())
        assert found.before == found.after == stored_features(customer_id)


# what is asked for, by the kind of customer whom it is asked of
ASKED = {
    "plain": [Change(80)],
    "never bought": [Change(Decimal("19.99"), category="Toys", days_ago=3)],
    "bought once": [Change(40, is_return=True, days_ago=2)],
    "returns": [Change(35.5, is_return=True, items=2, days_ago=10), Change(12, days_ago=40)],
    "busy": [
        Change(30, days_ago=1, is_promoted=True, items=3),
        Change(50, days_ago=100),
        Change(70, days_ago=100),
        Change(20, days_ago=400),
    ],
    "restated": [Change(64, days_ago=5), Change(10, is_return=True)],
    "late": [Change(2_000_000)],
    "void": [Change(33, days_ago=15, category="garden")],
}


@pytest.fixture(scope="module")
def rebuilt(scored_shop, tmp_path_factory):
    """By kind of customer: the what-if, and the mart's row after the orders really came."""
    shop = scored_shop.copy_to(tmp_path_factory.mktemp("rebuilt"))
    with building.in_warehouse(shop.file):
        customers = {}
        for kind in ASKED:
            customers[kind] = next(c for c in picked(kind, 50) if c not in customers.values())
        found = {kind: what_if.what_if(customers[kind], ASKED[kind]) for kind in ASKED}
        before = {kind: stored_features(customers[kind], CUSTOMERS) for kind in ASKED}
        with warehouse.connect() as connection:
            for kind, result in found.items():
                for place, line in enumerate(result.lines):
                    sell(connection, f"{kind} {place}", customers[kind], line)
            both = hand_over(connection)
        building.build(shop.file, {})
        after = {kind: stored_features(customers[kind], CUSTOMERS) for kind in ASKED}
        handed = [(one_features(each), stored_features(each)) for each in both]
        return {kind: (found[kind], before[kind], after[kind]) for kind in ASKED}, handed


def one_features(customer_id):
    with repository.reading() as connection, one_customer(connection) as one:
        return one.features(customer_id, current_date()).before


def hand_over(connection):
    """Restate an order as another customer's, who was there before it; return both."""
    order, former, other = connection.execute(
        """with orders as (
            from intermediate.int_headers_checked where rejected_by is null and versions = 1
        )
        select orders.transaction_id, orders.customer_id, earliest.customer_id
        from orders
        inner join raw.store_sales_header as raw using (transaction_id)
        cross join (select arg_min(customer_id, event_date) as customer_id from orders) as earliest
        where orders.customer_id <> earliest.customer_id and raw.recorded_at is not null
        order by orders.event_date desc, orders.transaction_id
        limit 1 offset 500"""
    ).fetchone()
    connection.execute(
        """insert into raw.store_sales_header by name
        select * replace ($other as customer_id, recorded_at + interval 3 day as recorded_at)
        from raw.store_sales_header where transaction_id = $order""",
        {"order": order, "other": other},
    )
    return former, other


def sell(connection, name, customer_id, line):
    """Write an order as the till would have on its day."""
    values = {
        "name": name,
        "customer": customer_id,
        "store": line.store,
        "day": line.day,
        "promotion": line.promotion,
        "amount": line.amount,
        "items": line.items,
        "category": line.category,
    }
    used = {name: values[name] for name in ("name", "customer", "store", "day", "amount")}
    connection.execute(
        """insert into raw.store_sales_header by name
        select $name as transaction_id, $customer as customer_id, $store as store_id,
            $day::timestamp as transaction_date, $amount as total_amount,
            $day::timestamp as recorded_at, max(_loaded_at) as _loaded_at
        from raw.store_sales_header""",
        used,
    )
    used = {name: values[name] for name in ("name", "promotion", "amount", "items", "category")}
    connection.execute(
        """insert into raw.store_sales_line_items by name
        select $name as line_item_id, $name as transaction_id, $items as quantity,
            $promotion as promotion_id, $amount as line_item_amount,
            (
                select min(product_id) from intermediate.int_products_versioned
                where product_category = $category
            ) as product_id,
            max(_loaded_at) as _loaded_at
        from raw.store_sales_line_items""",
        used,
    )


@pytest.mark.parametrize("kind", ASKED)
def test_a_what_if_is_what_a_rebuild_gives_once_it_has_come_true(rebuilt, kind):
    result, before, after = rebuilt[0][kind]
    assert before != after
    assert {
        name: (before[name], after[name]) for name in before if before[name] != after[name]
    } == (result.changed)


def test_an_amount_that_the_build_would_cap_is_named(rebuilt):
    result, _, after = rebuilt[0]["late"]
    [warning] = [text for text in result.warnings if "capped" in text]
    assert f"count as {after['spend_7d']:,.2f}" in warning
    assert after["spend_7d"] < result.lines[0].amount


def test_the_features_of_both_customers_of_an_order_that_changed_hands_are_the_marts(rebuilt):
    _, handed = rebuilt
    assert [found for found, _ in handed] == [stored for _, stored in handed]


def test_what_is_left_open_is_as_the_customer_usually_buys(small_shop):
    [plain], [new] = picked("plain"), picked("never bought")
    usual = stored_features(plain)
    [line] = what_if.what_if(plain, [Change(80)]).lines
    assert (line.category, line.store) == (usual["favourite_category"], usual["last_store_id"])
    assert (line.day, line.items, line.promotion) == (current_date() - timedelta(1), 1, "NONE")
    [line] = what_if.what_if(new, [Change(80)]).lines
    commonest = f"select mode(favourite_category) from {MART} where as_of_date = ? and {{}}"
    assert [(line.category,)] == rows(
        commonest.format("favourite_category <> 'None'"), [current_date()]
    )


def test_before_is_the_stored_prediction(small_shop):
    [customer_id] = picked("busy")
    result = what_if.what_if(customer_id, [Change(80)])
    [stored_prediction] = rows(
        f"select {', '.join(COLUMNS)} from main.predictions"
        " where customer_id = ? and as_of_date = ?",
        [customer_id, current_date()],
    )
    assert tuple(result.before.values()) == pytest.approx(stored_prediction)
    assert result.after != result.before


@pytest.mark.parametrize("changes", [[Change(5)], [Change(60)] * 80], ids=["usual", "unheard of"])
def test_what_lies_outside_the_training_range_is_warned_of_and_nothing_else(small_shop, changes):
    [customer_id] = picked("plain")
    result = what_if.what_if(customer_id, changes)
    contract = repository.contract()
    beyond = []
    for name, (_, after) in result.changed.items():
        if after is None:
            continue
        condition = f"min({name}) <= $value and max({name}) >= $value"
        if name in contract.categorical:
            condition = f"count(*) filter ({name} = $value) > 0"
        [(is_inside,)] = rows(
            f"select {condition} from {MART} semi join main.training_dates using (as_of_date)",
            {"value": after},
        )
        beyond += [] if is_inside else [name]
    assert sorted(text.split()[0] for text in result.warnings) == sorted(beyond)
    assert ("orders_7d" in beyond) == (len(changes) > 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(0), "give 0.01 to"),
        (Change(-5), "give 0.01 to"),
        (Change(float("nan")), "give 0.01 to"),
        (Change(float("inf")), "give 0.01 to"),
        (Change(1e12), "give 0.01 to"),
        (Change(5, items=0), "0 items"),
        (Change(5, days_ago=0), "not before the as-of date"),
        (Change(5, date=date(2999, 1, 1)), "not before the as-of date"),
        (Change(5, date=date(1999, 1, 1)), "before the shop knew"),
        (Change(5, category="Airships"), "no product is of the category 'Airships'"),
    ],
)
def test_an_impossible_change_is_refused_in_words(small_shop, change, words):
    [customer_id] = picked("plain")
    with pytest.raises(ChangeError, match=words):
        what_if.what_if(customer_id, [change])


def test_nothing_to_change_and_a_stranger_are_refused(small_shop):
    with pytest.raises(ChangeError, match="give 1 to"):
        what_if.what_if(picked("plain")[0], [])
    with pytest.raises(UnknownCustomerError, match="no customer 'nobody'"):
        what_if.what_if("nobody", [Change(80)])


def test_the_first_day_that_the_shop_knows_a_customer_is_allowed(small_shop):
    [customer_id] = picked("plain")
    [(first,)] = rows(
        "select min(known_from_date) from intermediate.int_customers_known where customer_id = ?",
        [customer_id],
    )
    assert what_if.what_if(customer_id, [Change(5, date=first)]).changed
    with pytest.raises(ChangeError, match=f"the first day is {first}"):
        what_if.what_if(customer_id, [Change(5, date=first - timedelta(1))])


def test_a_what_if_leaves_no_trace(small_shop):
    [customer_id] = picked("plain")
    content = small_shop.read_bytes()
    with warehouse.connect(read_only=True) as connection:
        databases = "select database_name from duckdb_databases() order by all"
        before = connection.execute(databases).fetchall()
        first = what_if.what_if(customer_id, [Change(80)])
        assert connection.execute(databases).fetchall() == before
    assert what_if.what_if(customer_id, [Change(80)]) == first
    assert small_shop.read_bytes() == content


def test_a_mart_that_does_not_follow_from_the_lines_is_refused(shop_copy):
    [customer_id] = picked("plain")
    with warehouse.connect() as connection:
        connection.execute("update features.feat_customers set spend_90d = spend_90d + 1")
    with pytest.raises(warehouse.WarehouseError, match=r"the mart's spend_90d as of .*make build"):
        what_if.what_if(customer_id, [Change(80)])


def test_a_warehouse_of_an_earlier_version_needs_one_build(shop_copy):
    [customer_id] = picked("plain")
    expected = what_if.what_if(customer_id, [Change(80)])
    with warehouse.connect() as connection:
        connection.execute("drop table main.model_sql")
    with pytest.raises(warehouse.WarehouseError, match="does not note by which SQL"):
        what_if.what_if(customer_id, [Change(80)])
    building.build(shop_copy, {})
    assert what_if.what_if(customer_id, [Change(80)]) == expected


def command(*arguments):
    program = typer.Typer()
    program.command()(what_if.main)
    return CliRunner().invoke(program, arguments)


def test_the_command_reads_amounts_and_days_and_prints_both_forecasts(small_shop):
    [customer_id] = picked("plain")
    day = current_date() - timedelta(9)
    changes = [Change(80), Change(Decimal("45.50"), date=day), Change(30, is_return=True)]
    result = what_if.what_if(customer_id, changes)
    answer = command(customer_id, "--order", "80", "--order", f"45.50@{day}", "--return", "30")
    assert answer.exit_code == 0
    assert f"order of 45.50 on {day}" in answer.output
    assert f"return of 30.00 on {current_date() - timedelta(1)}" in answer.output
    for forecast in (result.before, result.after):
        assert f"{forecast['predicted_30d_spend']:,.2f}" in answer.output
    assert all(name in answer.output for name in result.changed)


@pytest.mark.parametrize("text", ["80@", "80@yesterday", "@2025-12-20", "eighty", "80@1@2"])
def test_the_command_says_how_a_change_is_written(small_shop, text):
    answer = command("C1", "--order", text)
    assert answer.exit_code == 1
    assert "AMOUNT@DATE" in answer.output
