import httpx
import pytest
from playwright.sync_api import expect

from tests.browser import MART, NEEDS_CHROMIUM, PHONE, asked, at_rest, download, metric, sideways

pytest_plugins = ("tests.serve_fixtures", "tests.browser")
pytestmark = NEEDS_CHROMIUM


def test_the_app_opens_on_the_month_ahead_beside_the_last_one(page, app_url, small_shop):
    [(revenue,)] = asked(
        "select expected_spend from marts.total_forecasts where set_kind = 'whole shop'"
    )
    [(last,)] = asked(
        """select sum(revenue) from marts.revenue_by_day, intermediate.int_snapshots_scheduled
        where set_kind = 'all' and is_current and event_date >= as_of_date - 30"""
    )
    page.goto(app_url)
    metric(page, "Expected revenue").wait_for()
    assert metric(page, "Expected revenue").inner_text() == f"{revenue:,.0f}"
    assert metric(page, "Last 30 days").inner_text() == f"{last:,.0f}"
    page.get_by_text("What moved").wait_for()
    page.get_by_text("orders instead of").nth(3).wait_for()
    page.get_by_text("Sales through").wait_for()


def test_a_list_is_exported_whole_whatever_part_of_it_is_shown(page, app_url, small_shop, tmp_path):
    page.goto(f"{app_url}/customers")
    rows = download(page, "CSV", tmp_path / "all.csv")
    assert set(rows["customer_id"]) == {
        each for (each,) in asked(f"select customer_id from {MART}")
    }
    [(part, count)] = asked(
        f"select left(customer_id, 6), count(*) from {MART} group by all order by 2 limit 1"
    )
    page.get_by_label("Customer id").fill(part)
    page.keyboard.press("Enter")
    page.get_by_text(f"All {count:,} as CSV").wait_for()
    rows = download(page, "CSV", tmp_path / "part.csv")
    assert len(rows) == count
    assert all(rows["customer_id"].str.contains(part))
    assert rows["predicted_30d_spend"].is_monotonic_decreasing


def test_a_row_leads_to_the_customer_and_back_to_the_same_list(page, app_url, customer):
    page.goto(f"{app_url}/customers")
    page.get_by_label("Customer id").fill(customer[0])
    page.keyboard.press("Enter")
    page.get_by_text("All 1 as CSV").wait_for()
    # a table is drawn on a canvas: its first row begins below the head
    page.get_by_test_id("stDataFrame").click(position={"x": 20, "y": 52})
    page.get_by_role("heading", name=customer[0]).wait_for()
    # who goes back before the page is whole finds the list without what was asked of it
    at_rest(page)
    page.get_by_role("button", name="All customers").click()
    page.get_by_text("All 1 as CSV").wait_for()
    # drawn empty, and filled a moment later
    expect(page.get_by_label("Customer id")).to_have_value(customer[0])


def test_a_what_if_leaves_the_forecast_on_the_screen_and_stands_beside_it(
    page, app_url, api_url, customer
):
    customer_id, spend, chance = customer
    page.goto(f"{app_url}/customers?id={customer_id}")
    # at once: nothing is to be pressed before
    metric(page, "Expected spend").wait_for()
    assert metric(page, "Expected spend").inner_text() == f"{spend:,.2f}"
    assert metric(page, "Chance of a purchase").inner_text() == f"{chance:.1%}"
    page.get_by_text("Customers like this one").wait_for()
    page.get_by_label("Amount of each").fill("45")
    page.get_by_label("How many").fill("3")
    page.get_by_label("Days ago", exact=True).fill("2")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="What if?").click()
    changed = metric(page, "Expected spend", 1)
    changed.wait_for()
    answer = httpx.post(
        f"{api_url}/customers/{customer_id}/what-if",
        json=[{"amount": 45, "days_ago": 2}] * 3,
        timeout=60,
    ).json()
    assert changed.inner_text() == f"{answer['after']['predicted_30d_spend']:,.2f}"
    assert metric(page, "Expected spend").inner_text() == f"{spend:,.2f}"
    assert page.get_by_label("Amount of each").input_value() == "45.00"
    assert page.get_by_text(f"Features that follow ({len(answer['changed'])})").is_visible()
    # refused in words, and what is known stays
    page.get_by_label("Days ago", exact=True).fill("300000")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="What if?").click()
    page.get_by_text("before the shop knew").wait_for()
    assert metric(page, "Expected spend").inner_text() == f"{spend:,.2f}"


def test_features_entered_by_hand_are_predicted_or_refused_in_plain_words(page, app_url):
    page.goto(f"{app_url}/by-hand")
    page.get_by_text("A customer who never bought").wait_for()
    page.get_by_role("button", name="Predict").click()
    metric(page, "Expected spend").wait_for()
    page.get_by_text("Spend and returns").click()
    field = page.get_by_label("Spend 30 days", exact=True)
    field.fill("-5")
    field.press("Enter")
    # a changed feature takes the old answer away
    metric(page, "Expected spend").wait_for(state="detached")
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("These values cannot be used").wait_for()
    assert page.get_by_text("Spend 30 days: Input should be greater than").is_visible()


# each page, and what comes last on it
EACH_PAGE = pytest.mark.parametrize(
    ("address", "last"),
    [
        ("", "Expected, by whom"),
        ("/customers", "as CSV"),
        ("/customers?id={customer}", "features that the forecast"),
        ("/changes", "No forecast of an earlier day"),
        ("/audience", "Assumed uplift"),
        ("/by-hand", "Spend and returns"),
    ],
)


@EACH_PAGE
def test_a_phone_needs_no_sideways_scrolling(page, app_url, customer, address, last):
    page.set_viewport_size(PHONE)
    page.goto(app_url + address.format(customer=customer[0]))
    page.get_by_text(last).wait_for()
    page.get_by_role("link", name="Customers").wait_for()
    assert sideways(page) == [0, 0]


@EACH_PAGE
def test_whoever_sees_little_can_read_each_page_light_and_dark(
    page, app_url, customer, address, last
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    backgrounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto(app_url + address.format(customer=customer[0]))
        page.get_by_text(last).wait_for()
        at_rest(page)
        found = axe.run(page).response["violations"]
        assert [
            (each["id"], node["html"])
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ] == []
        backgrounds.add(
            page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
        )
    assert len(backgrounds) == 2


def test_a_customer_whom_nobody_knows_is_said_to_be_unknown(page, app_url):
    page.goto(f"{app_url}/customers?id=C-NOBODY")
    page.get_by_text("no forecast of a customer of this id").wait_for()


def test_without_an_earlier_forecast_nobody_is_said_to_slip(page, app_url):
    page.goto(f"{app_url}/changes")
    page.get_by_text("No forecast of an earlier day is kept").wait_for()
