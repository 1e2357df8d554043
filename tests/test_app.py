import re
import shutil

import httpx
import pytest

import warehouse

pytest_plugins = ("tests.serve_fixtures",)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 30_000
LOCAL = re.compile(r"(http|ws)://127\.0\.0\.1|data:|blob:")

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
    opened.outside = []
    opened.on("request", lambda request: opened.outside.append(request.url))
    yield opened
    strangers = [
        url for url in opened.outside if not re.match(r"(http|ws)://127\.0\.0\.1|data:|blob:", url)
    ]
    opened.close()
    assert strangers == []


@pytest.fixture
def customers(small_shop):
    """The two customers of whom most is expected, with what is stored of them."""
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(
            """select customer_id, predicted_30d_spend, purchase_probability
            from marts.customer_predictions
            order by predicted_30d_spend desc, customer_id limit 2"""
        ).fetchall()


def pick(page, customer_id):
    page.get_by_label("Customer id begins with").fill(customer_id)
    page.keyboard.press("Enter")


def metric(page, label):
    return (
        page.get_by_test_id("stMetric")
        .filter(has=page.get_by_text(label, exact=True))
        .get_by_test_id("stMetricValue")
    )


def sideways(page):
    return page.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
        .map(element => element.scrollWidth - element.clientWidth)"""
    )


def test_a_picked_customer_is_predicted_as_stored(page, app_url, api_url, customers):
    customer_id, spend, probability = customers[1]
    page.goto(app_url)
    pick(page, customer_id)
    page.get_by_text(f"Stored prediction: {spend:,.2f}").wait_for()
    page.get_by_role("button", name="Predict").click()
    shown = metric(page, "Expected spend, 30 days")
    shown.wait_for()
    assert shown.inner_text() == f"{spend:,.2f}"
    assert metric(page, "Probability of a purchase").inner_text() == f"{probability:.1%}"
    features = httpx.get(f"{api_url}/customers/{customer_id}").json()["features"]
    answer = httpx.post(f"{api_url}/predict", json=features).json()
    assert shown.inner_text() == f"{answer['predicted_30d_spend']:,.2f}"


def test_a_what_if_shows_the_forecast_before_and_after(page, app_url, api_url, customers):
    customer_id, spend, _ = customers[1]
    page.goto(app_url)
    pick(page, customer_id)
    page.get_by_text(f"Stored prediction: {spend:,.2f}").wait_for()
    amount = page.get_by_label("Amount of each")
    # that of the customer shown before stays until the page is whole
    page.locator(f".st-key-{customer_id}-what-if-amount").wait_for()
    page.wait_for_function(
        "document.querySelectorAll('input[aria-label=\"Amount of each\"]').length === 1"
    )
    amount.fill("45")
    page.get_by_label("How many").fill("3")
    page.get_by_label("Days ago", exact=True).fill("2")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="What if?").click()
    shown = metric(page, "Expected spend, what if")
    shown.wait_for()
    changes = [{"amount": 45, "days_ago": 2}] * 3
    answer = httpx.post(
        f"{api_url}/customers/{customer_id}/what-if", json=changes, timeout=60
    ).json()
    assert shown.inner_text() == f"{answer['after']['predicted_30d_spend']:,.2f}"
    assert page.get_by_text(f"Without it {spend:,.2f} are expected").is_visible()
    assert page.get_by_text(f"Features that follow ({len(answer['changed'])})").is_visible()
    page.get_by_label("Days ago", exact=True).fill("300000")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="What if?").click()
    page.get_by_text("before the shop knew").wait_for()


def test_features_entered_by_hand_are_predicted_or_refused_in_plain_words(page, app_url):
    page.goto(app_url)
    page.get_by_text("By hand", exact=True).click()
    page.get_by_text("A customer who never bought").wait_for()
    page.get_by_role("button", name="Predict").click()
    metric(page, "Expected spend, 30 days").wait_for()
    page.get_by_text("Spend and returns").click()
    field = page.get_by_label("Spend 30 days", exact=True)
    field.fill("-5")
    field.press("Enter")
    # a changed feature takes the old answer away
    metric(page, "Expected spend, 30 days").wait_for(state="detached")
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("These values cannot be used").wait_for()
    assert page.get_by_text("Spend 30 days: Input should be greater than").is_visible()


def test_the_overview_shows_the_mart(page, app_url, customers, tmp_path):
    with warehouse.connect(read_only=True) as connection:
        revenue, count = connection.execute(
            "select sum(predicted_30d_spend), count(*) from marts.customer_predictions"
        ).fetchone()
        [(newcomers,)] = connection.execute(
            "select expected_spend from marts.total_forecasts where set_kind = 'newcomers'"
        ).fetchall()
    page.goto(f"{app_url}/overview")
    metric(page, "Known customers").wait_for()
    assert metric(page, "Known customers").inner_text() == f"{revenue:,.0f}"
    assert metric(page, "Whole shop").inner_text() == f"{revenue + newcomers:,.0f}"
    assert metric(page, "Customers").inner_text() == f"{count:,}"
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("Download these")).click()
    download.value.save_as(tmp_path / "top.csv")
    lines = (tmp_path / "top.csv").read_text().splitlines()
    assert lines[1].split(",")[0] == customers[0][0]


@pytest.mark.parametrize("address", ["", "/overview"])
def test_a_phone_needs_no_sideways_scrolling(page, app_url, address):
    page.set_viewport_size(PHONE)
    page.goto(app_url + address)
    if address:
        page.get_by_text("Download these").wait_for()
    else:
        page.get_by_role("button", name="Predict").click()
        metric(page, "Expected spend, 30 days").wait_for()
        page.get_by_role("button", name="What if?").click()
        metric(page, "Expected spend, what if").wait_for()
        page.get_by_text("Spend and returns").click()
        page.get_by_label("Spend 30 days", exact=True).wait_for()
    assert sideways(page) == [0, 0]
    assert page.get_by_role("link", name="Overview").is_visible()
