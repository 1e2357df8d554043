"""A real browser, opened once for each file of tests, and what is read of its pages."""

import re
import shutil

import pandas as pd
import pytest

import warehouse

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 30_000
LOCAL = re.compile(r"(http|ws)://127\.0\.0\.1|data:|blob:")
MART = "marts.customer_predictions"

NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")


# of one file: as long as it is open, nothing else in the process can run an event loop
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


# a part that is drawn anew is faded until it is, and comes back by degrees
AT_REST = """() => {
    const running = document.querySelector('[data-test-script-state]');
    const faded = element => getComputedStyle(element).opacity !== '1';
    return running?.dataset.testScriptState === 'notRunning'
        && ![...document.querySelectorAll('[data-testid=stElementContainer]')].some(faded);
}"""


def at_rest(page):
    """Wait until the page is drawn whole and stays so for half a second."""
    for _ in range(60):
        page.wait_for_function(AT_REST)
        page.wait_for_timeout(500)
        if page.evaluate(AT_REST):
            return
    raise AssertionError("the page is drawn again and again")


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
