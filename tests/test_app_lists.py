"""Lists of customers that leave the app: kept as audiences, as files, with contacts or without."""

import re
from contextlib import contextmanager

import pytest

import warehouse
from core import lock
from tests.browser import MART, NEEDS_CHROMIUM, asked, download

pytest_plugins = ("tests.serve_fixtures", "tests.browser")
pytestmark = NEEDS_CHROMIUM


def test_five_clicks_lead_from_the_opening_to_a_csv_of_the_best_of_a_region_within_a_budget(
    page, app_url, small_shop, tmp_path
):
    [(region,)] = asked(
        f"select region from {MART} group by all order by sum(predicted_30d_spend) desc limit 1"
    )
    page.goto(app_url)
    page.get_by_role("link", name="Whom to contact").click()
    page.get_by_label("Region").click()
    page.get_by_role("option", name=region).click()
    page.get_by_role("button", name="Choose").click()
    rows = download(page, "CSV", tmp_path / "audience.csv")
    assert set(rows["region"]) == {region}
    assert rows["expected_gain"].is_monotonic_decreasing
    assert 0 < (rows["arm"] == "treatment").sum() <= 500
    # a contact costs 1, and brings 3 % of what is expected
    worth = asked(
        f"select count(*) from {MART} where region = '{region}' and .03 * predicted_30d_spend > 1"
    )
    assert [(len(rows),)] == worth
    page.get_by_text("Expected spend is not uplift").last.wait_for()


def chosen(page, url, name):
    """Choose an audience of a name in the app."""
    page.goto(f"{url}/audience")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Customers to contact at most").fill("10")
    page.get_by_role("button", name="Choose").click()
    page.get_by_role("heading", name=name).wait_for()


def keep(page):
    page.get_by_role("button", name="Keep this list").click()


def kept(shop, name):
    with warehouse.in_warehouse(shop.file), warehouse.connect(read_only=True) as connection:
        return connection.execute(
            "select customer_id, arm from main.audiences where audience = ?", [name]
        ).df()


def test_a_list_kept_in_the_app_is_that_of_the_file_and_its_name_is_given_once(
    page, contacts_url, own_shop, tmp_path
):
    chosen(page, contacts_url, "spring")
    keep(page)
    page.get_by_text("spring is kept:").wait_for()
    file = download(page, "as CSV", tmp_path / "spring.csv")
    counts = file["arm"].value_counts()
    words = f"{counts['treatment']:,} customers to contact for {counts['treatment']:,.2f}, and "
    page.get_by_text(f"{words}{counts['hold-out']:,} held out").wait_for()
    rows = kept(own_shop, "spring")
    assert dict(rows.to_numpy()) == dict(file[["customer_id", "arm"]].to_numpy())
    page.get_by_text("What past ones brought").wait_for()
    # never a second one of its name, though other customers are in it
    page.get_by_role("button", name="Choose").click()
    page.get_by_role("button", name="Keep this list").wait_for()
    keep(page)
    page.get_by_text("There is an audience 'spring' already").wait_for()
    assert len(kept(own_shop, "spring")) == len(rows)


@contextmanager
def written(shop):
    with warehouse.in_warehouse(shop.file), warehouse.connect():
        yield


@contextmanager
def night(shop):
    with warehouse.in_warehouse(shop.file), lock.held("the nightly run"):
        yield


@pytest.mark.parametrize("busy", [written, night])
def test_a_list_that_cannot_be_kept_now_stays_on_the_screen_and_is_kept_later(
    page, contacts_url, own_shop, busy
):
    name = busy.__name__
    chosen(page, contacts_url, name)
    shown = page.get_by_role("button", name="as CSV").inner_text()
    with busy(own_shop):
        keep(page)
        page.get_by_text("Nothing was written. The warehouse").wait_for()
        said = page.get_by_test_id("stMain").inner_text()
        assert "try again" in said
        assert not re.search(r"process|PID|kill|stop it|/", said)
        assert page.get_by_role("button", name="as CSV").inner_text() == shown
    keep(page)
    page.get_by_text(f"{name} is kept:").wait_for()
    assert f"These {len(kept(own_shop, name)):,} " in shown


def contacts(shop):
    with warehouse.in_warehouse(shop.file), warehouse.connect(read_only=True) as connection:
        return connection.execute(
            f"""select known.* from {MART} inner join (
                select customer_id, any_value(first_name) as first_name, any_value(email) as email
                from raw.customer_details group by customer_id having count(*) = 1
            ) as known using (customer_id) where first_name is not null and email is not null
            order by all"""
        ).df()


def search(page, label, text):
    page.get_by_label(label).fill(text)
    page.keyboard.press("Enter")


def test_with_contacts_a_name_finds_its_customers_and_the_file_has_their_contacts(
    page, contacts_url, own_shop, tmp_path
):
    known = contacts(own_shop)
    name = known["first_name"].value_counts().index[0]
    page.goto(f"{contacts_url}/customers")
    search(page, "Customer id or name", f" {name.lower()}")
    page.get_by_role("heading", name="Customers").wait_for()
    page.get_by_text(re.compile(r"All \d{1,2} as CSV")).wait_for()
    rows = download(page, "CSV", tmp_path / "named.csv").set_index("customer_id")
    expected = known[known["first_name"] == name].set_index("customer_id")
    found = rows.loc[expected.index, ["first_name", "email"]]
    assert found.equals(expected[["first_name", "email"]])
    assert rows["first_name"].str.contains(name, case=False).all()
    page.goto(f"{contacts_url}/customers?id={expected.index[0]}")
    page.get_by_text(expected["email"].iloc[0]).wait_for()


def test_with_contacts_an_audience_has_those_of_who_is_contacted_and_no_one_elses(
    page, contacts_url, own_shop, tmp_path
):
    known = contacts(own_shop).set_index("customer_id")
    chosen(page, contacts_url, "letters")
    file = download(page, "as CSV", tmp_path / "letters.csv").set_index("customer_id")
    held_out = file["arm"] == "hold-out"
    assert held_out.any()
    assert file.loc[held_out, ["first_name", "email"]].isna().all(axis=None)
    contacted = file.index[~held_out].intersection(known.index)
    assert len(contacted) > 0
    assert file.loc[contacted, "email"].equals(known.loc[contacted, "email"])


def test_without_the_flag_no_name_leaves_raw(page, app_url, scored_shop, tmp_path):
    known = contacts(scored_shop)
    page.goto(f"{app_url}/customers")
    file = download(page, "CSV", tmp_path / "all.csv")
    words = set(known["email"]) | set(known["first_name"])
    assert words.isdisjoint(file.astype(str).to_numpy().ravel())
    assert {"first_name", "email", "customer_phone"}.isdisjoint(file.columns)
    search(page, "Customer id", known["first_name"].iloc[0])
    page.get_by_text("No customer is like that").wait_for()
    page.goto(f"{app_url}/customers?id={known['customer_id'].iloc[0]}")
    page.get_by_text("Customers like this one").wait_for()
    said = set(page.get_by_test_id("stMain").inner_text().split())
    assert said.isdisjoint({known["email"].iloc[0], known["first_name"].iloc[0]})


def test_without_the_flag_an_audience_is_without_contacts(page, app_url, tmp_path):
    chosen(page, app_url, "nameless")
    file = download(page, "as CSV", tmp_path / "nameless.csv")
    assert {"first_name", "email", "customer_phone"}.isdisjoint(file.columns)
