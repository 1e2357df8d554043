import re
import shutil
from contextlib import contextmanager

import httpx
import pandas as pd
import pytest

import warehouse
from core import lock

pytest_plugins = ("tests.serve_fixtures",)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 30_000
LOCAL = re.compile(r"(http|ws)://127\.0\.0\.1|data:|blob:")
MART = "marts.customer_predictions"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("browser")),
            executable_path=CHROMIUM,
            headless=True,
            args=ARGUMENTS,
            accept_downloads=True,
        )
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()


@pytest.fixture
def page(browser):
    opened = browser.new_page()
    opened.set_viewport_size(WIDE)
    outside = []
    opened.on("request", lambda request: outside.append(request.url))
    yield opened
    opened.close()
    assert [url for url in outside if not LOCAL.match(url)] == []


def asked(query):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def customer(small_shop):
    """The customer of whom most is expected: id, expected spend, chance."""
    return asked(
        f"""select customer_id, predicted_30d_spend, purchase_probability
        from {MART} order by predicted_30d_spend desc, customer_id limit 1"""
    )[0]


def metric(page, label, place=0):
    return (
        page.get_by_test_id("stMetric")
        .filter(has=page.get_by_text(label, exact=True))
        .nth(place)
        .get_by_test_id("stMetricValue")
    )


def sideways(page):
    return page.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
        .map(element => element.scrollWidth - element.clientWidth)"""
    )


def download(page, name, file):
    with page.expect_download() as caught:
        page.get_by_role("button", name=re.compile(name)).click()
    caught.value.save_as(file)
    return pd.read_csv(file)


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
    assert page.get_by_text("orders instead of").count() > 3
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
    page.get_by_role("button", name="All customers").click()
    page.get_by_text("All 1 as CSV").wait_for()
    assert page.get_by_label("Customer id").input_value() == customer[0]


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
        page.get_by_test_id("stStatusWidget").wait_for(state="detached")
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


def test_without_an_earlier_forecast_nobody_is_said_to_slip(page, app_url):
    page.goto(f"{app_url}/changes")
    page.get_by_text("No forecast of an earlier day is kept").wait_for()
