"""Small files with the exact columns of each known export, and what plain SQL says of them.

Each maker writes the traps of its kind into a folder: orders whose rows go on, cancelled and failed
ones, refunds in part and in whole, discounts of the whole order, tax and shipping, guests, one
e-mail in two spellings, equal lines, line breaks in a cell. What each file comes to was worked out
by hand, in the comments; the SQL reads the file without the loader.
"""

# rows of a file are as long as they are
# ruff: noqa: E501

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

Row = Mapping[str, object]


@dataclass(frozen=True)
class Sums:
    """What an export comes to; net is gross less discounts and refunds."""

    gross: Decimal
    discounts: Decimal
    refunds: Decimal
    net: Decimal
    orders: int
    customers: int
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Export:
    """A known export.

    Parameters
    ----------
    layout
        The layout that reads it.
    shape
        What its rows are, in few words.
    write
        Writes the file, or the folder of files, and returns what is to be loaded.
    expected
        What it comes to, by hand.
    sql
        The same by plain SQL over the file `{file}`.
    """

    layout: str
    shape: str
    write: Callable[[Path], Path]
    expected: Sums
    sql: str

    def by_sql(self, path: Path) -> Sums:
        """Return what plain SQL says of the file."""
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            [row] = connection.execute(self.sql.replace("{file}", str(path))).fetchall()
        return Sums(*row)


def sums(gross: str, discounts: str, refunds: str, net: str, *counts: int, days: str) -> Sums:
    """Return sums written as text."""
    money = [Decimal(one) for one in (gross, discounts, refunds, net)]
    first, last = (date.fromisoformat(one) for one in days.split())
    return Sums(*money, *counts, first, last)


def write(
    file: Path,
    columns: Iterable[str],
    rows: Iterable[Row],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Path:
    """Write rows under a header; what a row does not say is blank."""
    with file.open("w", newline="", encoding=encoding) as stream:
        # a flat file with tabs quotes nothing
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        quotechar = None if delimiter == "\t" else '"'
        writer = csv.DictWriter(
            stream, list(columns), "", delimiter=delimiter, quoting=quoting, quotechar=quotechar
        )
        writer.writeheader()
        writer.writerows(rows)
    return file


def header(names: str) -> list[str]:
    """Return the columns of an export from their names, parted by commas."""
    return names.split(",")


def listed(names: str, rows: str) -> list[dict[str, str]]:
    """Return rows from lines of cells parted by bars; `\\n` is a line break."""
    keys = [one.strip() for one in names.split("|")]
    return [
        dict(
            zip(keys, (cell.strip().replace("\\n", "\n") for cell in line.split("|")), strict=True)
        )
        for line in rows.strip().splitlines()
    ]


# Shopify ------------------------------------------------------------------------------------------

_ADDRESS = header("Name,Street,Address1,Address2,Company,City,Zip,Province,Country,Phone")
SHOPIFY = header(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,"
    "Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,"
    "Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,"
    + ",".join(f"{of} {part}" for of in ("Billing", "Shipping") for part in _ADDRESS)
    + ",Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,"
    "Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount,"
    + ",".join(f"Tax {n} {part}" for n in range(1, 6) for part in ("Name", "Value"))
    + ",Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,Payment ID,"
    "Payment Terms Name,Next Payment Due At,Payment References"
)

# #1001: 2 x 25 + 50 = 100, 10 off by code: 90. #1002: 25, all 30 given back: 0. #1003 is voided and
# #1007 cancelled. #1004: 75, 25 given back: 50. #1005, of nobody: 3 x 11.11 = 33.33, 3.34 off:
# 29.99. #1006, not paid yet: 7 x 0.99 = 6.93, 0.93 off the line: 6. #1008: 50.
# #1009: 20, 22 given back, shipping and tax among it: 0.
# Gross 310.26, discounts 10 + 3.34 + 0.93 = 14.27, refunds of goods 25 + 25 + 20 = 70,
# net 90 + 50 + 29.99 + 6 + 50 = 225.99; seven orders of Ann, Bob, Carl, Eve.
# In UTC the first order is of the next day, and so is the last.
_SHOPIFY_NAMES = (
    "Name|Email|Financial Status|Subtotal|Shipping|Taxes|Total|Discount Code|Discount Amount|"
    "Created at|Lineitem quantity|Lineitem name|Lineitem price|Lineitem sku|Lineitem discount|"
    "Refunded Amount|Cancelled at|Notes"
)
_SHOPIFY_ROWS = r"""
#1001|ann@example.org|paid|90.00|5.00|8.00|103.00|SPRING10|10.00|2024-03-09 20:30:00 -0500|2|Mug|25.00|MUG|0.00|0.00||Leave it\nat the door, "please"
#1001|ann@example.org|||||||||1|Tea|50.00|TEA|0.00|||
#1002|Ann@Example.org|refunded|25.00|5.00|0.00|30.00||0.00|2024-03-20 23:30:00 -0400|1|Mug|25.00|MUG|0.00|30.00||
#1003|bob@example.org|voided|50.00|5.00|0.00|55.00||0.00|2024-03-21 09:00:00 -0400|1|Tea|50.00|TEA|0.00|0.00||
#1004|bob@example.org|partially_refunded|75.00|5.00|0.00|80.00||0.00|2024-04-02 09:00:00 -0400|3|Mug|25.00|MUG|0.00|25.00||
#1005||paid|29.99|0.00|0.00|29.99|FAIR|3.34|2024-05-01 12:00:00 -0400|1|Candle, "large"\nnew|11.11||0.00|0.00||
#1005|||||||||2024-05-01 12:00:00 -0400|1|Candle, "large"\nnew|11.11||0.00|||
#1005|||||||||2024-05-01 12:00:00 -0400|1|Candle, "large"\nnew|11.11||0.00|||
#1006|carl@example.org|pending|6.00|4.00|0.00|10.00||0.93|2024-05-02 12:00:00 -0400|7|Card|0.99|CARD|0.93|0.00||
#1007|dora@example.org|paid|75.00|0.00|0.00|75.00||0.00|2024-05-03 12:00:00 -0400|1|Mug|25.00|MUG|0.00|0.00|2024-05-04 08:00:00 -0400|
#1007|dora@example.org|||||||||1|Tea|50.00|TEA|0.00|||
#1008|ANN@example.org|paid|50.00|0.00|0.00|50.00||0.00|2024-11-03 23:30:00 -0500|1|Tea|50.00|TEA|0.00|||
#1009|eve@example.org|partially_refunded|20.00|10.00|2.00|32.00||0.00|2024-06-01 12:00:00 -0400|1|Bowl|20.00|BOWL|0.00|22.00||
"""


def shopify(folder: Path, currency_of_the_last: str = "USD") -> Path:
    """Order-level cells stand on an order's first row alone."""
    rows = listed(_SHOPIFY_NAMES, _SHOPIFY_ROWS)
    for row in rows:
        if row["Financial Status"]:
            row["Currency"] = "USD"
    rows[-1]["Currency"] = currency_of_the_last
    return write(folder / "orders_export_1.csv", SHOPIFY, rows)


SHOPIFY_SQL = """
with orders as (
    select
        any_value(lower("Email")) as customer,
        any_value("Financial Status") as status,
        any_value("Cancelled at") as cancelled,
        cast(any_value(strptime("Created at", '%Y-%m-%d %H:%M:%S %z')) as date) as day,
        any_value(cast("Subtotal" as decimal(18, 2))) as goods,
        coalesce(any_value(cast("Refunded Amount" as decimal(18, 2))), 0) as refunded,
        sum(cast("Lineitem quantity" as integer) * cast("Lineitem price" as decimal(18, 2))) as full
    from read_csv('{file}', all_varchar = true)
    group by "Name"
)
select
    sum("full"), sum("full" - goods), sum(least(refunded, goods)),
    sum(goods - least(refunded, goods)),
    count(*), count(distinct customer), min(day), max(day)
from orders
where cancelled is null and status <> 'voided'
"""

# WooCommerce --------------------------------------------------------------------------------------

_PERSON = "First Name,Last Name,Company,Address 1&2,City,State Code,Postcode,Country Code"
WOOCOMMERCE = header(
    "Order Number,Order Status,Order Date,Customer Note,"
    + ",".join(f"{part} (Billing)" for part in header(f"{_PERSON},Email,Phone"))
    + ","
    + ",".join(f"{part} (Shipping)" for part in header(_PERSON) if part != "Company")
    + ",Payment Method Title,Cart Discount Amount,Order Subtotal Amount,Shipping Method Title,"
    "Order Shipping Amount,Order Refund Amount,Order Total Amount,Order Total Tax Amount,SKU,"
    "Item #,Item Name,Quantity (- Refund),Item Cost,Coupon Code,Discount Amount,Discount Amount Tax"
)

# 101: 2 x 20 + 10 = 50, 5 off: 45. 102: 10. 103, 104 and 108 never came to be. 105: 2 x 20 + 10 = 50,
# one mug given back: 30. 106: 35.50, all given back with tax and shipping: 0. 107, by transfer:
# 10 + 10, a cent off: 19.99. 109, of nobody: 20. 110: 20, marked as refunded by hand: 0.
# Gross 205.50, discounts 5.01, refunds 20 + 35.50 + 20 = 75.50, net 124.99;
# seven orders of Ann, Bob, Carl, Dora, Frank.
_WOOCOMMERCE_NAMES = (
    "Order Number|Order Status|Order Date|Email (Billing)|Cart Discount Amount|"
    "Order Subtotal Amount|Order Shipping Amount|Order Refund Amount|Order Total Amount|"
    "Order Total Tax Amount|SKU|Item #|Item Name|Quantity (- Refund)|Item Cost|Customer Note"
)
_WOOCOMMERCE_ROWS = r"""
101|Completed|2024-03-09 20:30|ann@example.org|5.00|50.00|4.95|0.00|58.95|9.00|MUG|1|Mug|2|20.00|Ring, then\nwait
101|Completed|2024-03-09 20:30|ann@example.org|5.00|50.00|4.95|0.00|58.95|9.00|TEA|2|Tea|1|10.00|Ring, then\nwait
102|Processing|2024-03-10 08:00|ANN@Example.org|0.00|10.00|0.00|0.00|12.00|2.00|TEA|1|Tea|1|10.00|
103|Cancelled|2024-03-11 08:00|bob@example.org|0.00|60.00|0.00|0.00|72.00|12.00|MUG|1|Mug|3|20.00|
104|Failed|2024-03-11 08:05|bob@example.org|0.00|20.00|0.00|0.00|24.00|4.00|MUG|1|Mug|1|20.00|
105|Completed|2024-04-01 10:00|bob@example.org|0.00|50.00|4.95|20.00|64.95|10.00|MUG|1|Mug|1|20.00|
105|Completed|2024-04-01 10:00|bob@example.org|0.00|50.00|4.95|20.00|64.95|10.00|TEA|2|Tea|1|10.00|
106|Refunded|2024-04-02 10:00|carl@example.org|0.00|35.50|4.95|47.55|47.55|7.10|LAMP|1|Lamp|0|35.50|
107|On hold|2024-05-01 10:00|dora@example.org|0.01|20.00|0.00|0.00|23.99|4.00|TEA|1|Tea|1|10.00|
107|On hold|2024-05-01 10:00|dora@example.org|0.01|20.00|0.00|0.00|23.99|4.00|TEA|2|Tea|1|10.00|
108|Pending payment|2024-05-02 10:00|eve@example.org|0.00|20.00|0.00|0.00|24.00|4.00|MUG|1|Mug|1|20.00|
109|Completed|2024-12-31 23:59||0.00|20.00|0.00|0.00|24.00|4.00||1|Mug, "chipped"|1|20.00|
110|Refunded|2024-06-01 10:00|frank@example.org|0.00|20.00|0.00||24.00|4.00|MUG|1|Mug|1|20.00|
"""


def woocommerce(folder: Path) -> Path:
    """Order-level cells stand on every row of an order."""
    rows = listed(_WOOCOMMERCE_NAMES, _WOOCOMMERCE_ROWS)
    return write(folder / "orders-2025-01-01.csv", WOOCOMMERCE, rows)


WOOCOMMERCE_SQL = """
with orders as (
    select distinct
        "Order Number" as number,
        lower("Email (Billing)") as customer,
        cast(cast("Order Date" as timestamp) as date) as day,
        cast("Order Subtotal Amount" as decimal(18, 2)) as "full",
        cast("Cart Discount Amount" as decimal(18, 2)) as off,
        case "Order Status" when 'Refunded' then cast("Order Total Amount" as decimal(18, 2))
            else cast("Order Refund Amount" as decimal(18, 2)) end as refunded
    from read_csv('{file}', all_varchar = true)
    where "Order Status" in ('Completed', 'Processing', 'On hold', 'Refunded')
)
select
    sum("full"), sum(off), sum(least(refunded, "full" - off)),
    sum("full" - off - least(refunded, "full" - off)),
    count(*), count(distinct customer), min(day), max(day)
from orders
"""

# Stripe -------------------------------------------------------------------------------------------

STRIPE = header(
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
    "Converted Amount Refunded,Converted Currency,Decline Reason,Description,Fee,"
    "Refunded date (UTC),Statement Descriptor,Status,Seller Message,Taxes On Fee,Card ID,"
    "Customer ID,Customer Description,Customer Email,Invoice ID,Transfer"
)
STRIPE_BEFORE = header(
    "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
    "Converted Amount Refunded,Fee,Tax,Converted Currency,Mode,Status,Statement Descriptor,"
    "Customer ID,Customer Description,Customer Email,Captured,Card ID,Card Last4,Card Brand,"
    "Card Funding,Card Exp Month,Card Exp Year,Card Name,Card Address Line1,Card Address Line2,"
    "Card Address City,Card Address State,Card Address Country,Card Address Zip,"
    "Card Issue Country,Card Fingerprint,Card CVC Status,Card AVS Zip Status,"
    "Card AVS Line1 Status,Card Tokenization Method,Disputed Amount,Dispute Status,Dispute Reason,"
    "Dispute Date (UTC),Dispute Evidence Due (UTC),Invoice ID,Payment Source Type,Is Link,"
    "Destination,Transfer,Interchange Costs,Merchant Service Charge,Transfer Group,PaymentIntent ID"
)

# In dollars: 100; 50, all given back; 44 for 40 euros, 11 of it given back; 20, 5.55 of a guest
# whose e-mail is spelt in two ways; 12.34 of nobody; 1,000. The others failed, were cancelled, or
# were never captured. Gross 1231.89, refunds 61, net 1170.89; seven payments of four customers.
_STRIPE_NAMES = (
    "id|Created date (UTC)|Amount|Amount Refunded|Currency|Captured|Converted Amount|"
    "Converted Amount Refunded|Converted Currency|Status|Customer ID|Customer Email|Description"
)
_STRIPE_ROWS = r"""
ch_01|2024-03-09 23:30:00|100.00|0.00|usd|true|100.00|0.00|usd|Paid|cus_1|ann@example.org|Plan, "yearly"\nrenewed
ch_02|2024-03-10 00:30:00|50.00|50.00|usd|true|50.00|50.00|usd|Refunded|cus_1|ann@example.org|
ch_03|2024-04-01 10:00:00|40.00|10.00|eur|true|44.00|11.00|usd|Paid|cus_2|bob@example.org|
ch_04|2024-04-02 10:00:00|99.00|0.00|usd|false||||Failed|cus_2|bob@example.org|
ch_05|2024-05-01 10:00:00|20.00|0.00|usd|true|20.00|0.00|usd|Paid||Carl@Example.org|
ch_06|2024-05-02 10:00:00|5.55|0.00|usd|true|5.55|0.00|usd|Paid||carl@example.org|
ch_07|2024-05-03 10:00:00|70.00|0.00|usd|false||||Paid|cus_2|bob@example.org|
ch_08|2024-06-01 10:00:00|12.34|0.00|usd|true|12.34|0.00|usd|Paid|||
ch_09|2024-06-02 10:00:00|15.00|0.00|usd|||||Canceled|cus_3|dora@example.org|
ch_10|2024-12-31 23:59:59|1,000.00|0.00|usd|true|1,000.00|0.00|usd|Paid|cus_3|dora@example.org|
"""


def stripe(folder: Path) -> Path:
    """One row per payment; what was paid in euros is converted, too."""
    return write(folder / "unified_payments.csv", STRIPE, listed(_STRIPE_NAMES, _STRIPE_ROWS))


def stripe_before(folder: Path) -> Path:
    """The same payments in the export of former years."""
    rows = listed(_STRIPE_NAMES.replace("Created date", "Created"), _STRIPE_ROWS)
    return write(folder / "payments.csv", STRIPE_BEFORE, [{**row, "Mode": "Live"} for row in rows])


def stripe_unconverted(folder: Path) -> Path:
    """The same payments, two currencies, nothing converted."""
    columns = [name for name in STRIPE if not name.startswith("Converted")]
    rows = listed(_STRIPE_NAMES, _STRIPE_ROWS)
    unknown = [name for name in rows[0] if name not in columns]
    kept = [_without(row, *unknown) for row in rows]
    return write(folder / "unified_payments.csv", columns, kept)


STRIPE_SQL = """
with payments as (
    select
        coalesce("Customer ID", lower("Customer Email")) as customer,
        cast(cast("Created date (UTC)" as timestamp) as date) as day,
        cast(replace("Converted Amount", ',', '') as decimal(18, 2)) as paid,
        cast(replace("Converted Amount Refunded", ',', '') as decimal(18, 2)) as refunded
    from read_csv('{file}', all_varchar = true)
    where "Captured" = 'true' and "Status" in ('Paid', 'Refunded')
)
select
    sum(paid), 0, sum(refunded), sum(paid - refunded),
    count(*), count(distinct customer), min(day), max(day)
from payments
"""

# Square -------------------------------------------------------------------------------------------

SQUARE = header(
    "Date,Time,Time Zone,Category,Item,Qty,Price Point Name,SKU,Modifiers Applied,Gross Sales,"
    "Discounts,Net Sales,Tax,Transaction ID,Payment ID,Device Name,Notes,Details,Event Type,"
    "Location,Dining Option,Customer ID,Customer Name,Customer Reference ID,Unit,Count,GTIN,"
    "Itemization Type,Commission,Employee,Fulfillment Note,Channel,Token,Card Brand,PAN Suffix"
)

# T1: 36 - 3 + 12 = 45, half of the first line given back a week later, under the sale's number:
# -16.50. T2, of nobody: two equal lines of 4.50. T3: 1,250 - 50 = 1,200, all given back under a
# number of its own. T5: 10 without a code. T6: 3 - 3 = 0.
# Gross 1320, discounts 56, refunds 1216.50, net 47.50; five sales and two returns, three customers.
_SQUARE_NAMES = (
    "Date|Time|Category|Item|Qty|SKU|Gross Sales|Discounts|Net Sales|Tax|Transaction ID|Payment ID|"
    "Event Type|Customer ID|Notes"
)
_SQUARE_ROWS = r"""
2024-03-09|23:45:10|Ceramics|Mug|2.0|MUG|$36.00|-$3.00|$33.00|$2.64|T1|P1|Payment|CU1|For Ann,\nas a gift
2024-03-09|23:45:10|Prints|Fern|1.0|FERN|$12.00|$0.00|$12.00|$0.96|T1|P1|Payment|CU1|
2024-03-10|09:00:00|Drinks|Tea|1.0|TEA|$4.50|$0.00|$4.50|$0.00|T2|P2|Payment||
2024-03-10|09:00:00|Drinks|Tea|1.0|TEA|$4.50|$0.00|$4.50|$0.00|T2|P2|Payment||
2024-03-12|15:30:00|Art|Statue|1.0|STATUE|$1,250.00|-$50.00|$1,200.00|$96.00|T3|P3|Payment|CU2|
2024-03-16|10:00:00|Ceramics|Mug|-1.0|MUG|-$18.00|$1.50|-$16.50|-$1.32|T1|P1R|Refund|CU1|
2024-03-20|10:00:00|Art|Statue|-1.0|STATUE|-$1,250.00|$50.00|-$1,200.00|-$96.00|T4R|P3R|Refund|CU2|
2024-04-01|12:00:00||Custom Amount|1.0||$10.00|$0.00|$10.00|$0.00|T5|P5|Payment|CU1|
2024-04-02|00:05:00|Drinks|Coffee|1.0|COFFEE|$3.00|-$3.00|$0.00|$0.00|T6|P6|Payment|CU3|
"""


def square(folder: Path) -> Path:
    """A refund is a row of its own."""
    rows = listed(_SQUARE_NAMES, _SQUARE_ROWS)
    for row in rows:
        row |= {"Time Zone": "Eastern Time (US & Canada)", "Location": "Main St", "Unit": "ea"}
    return write(folder / "items-2024-03-01-2024-05-01.csv", SQUARE, rows)


SQUARE_SQL = """
with lines as (
    select
        "Event Type" as event,
        "Customer ID" as customer,
        cast("Date" as date) as day,
        -- a refund under the number of its sale is a transaction of its own
        ("Transaction ID", "Event Type", if("Event Type" = 'Refund', "Date", null)) as number,
        cast(translate("Gross Sales", '$,', '') as decimal(18, 2)) as "full",
        cast(translate("Net Sales", '$,', '') as decimal(18, 2)) as net
    from read_csv('{file}', all_varchar = true)
)
select
    sum("full") filter (event = 'Payment'), sum("full" - net) filter (event = 'Payment'),
    -sum(net) filter (event = 'Refund'), sum(net),
    count(distinct number), count(distinct customer), min(day), max(day)
from lines
"""

# Amazon -------------------------------------------------------------------------------------------

AMAZON = header(
    "amazon-order-id,merchant-order-id,purchase-date,last-updated-date,order-status,"
    "fulfillment-channel,sales-channel,order-channel,url,ship-service-level,product-name,sku,asin,"
    "item-status,quantity,currency,item-price,item-tax,shipping-price,shipping-tax,gift-wrap-price,"
    "gift-wrap-tax,item-promotion-discount,ship-promotion-discount,ship-city,ship-state,"
    "ship-postal-code,ship-country,promotion-ids,is-business-order,purchase-order-number,"
    "price-designation"
)
AMAZON_SHIPMENTS = header(
    "amazon-order-id,merchant-order-id,shipment-id,shipment-item-id,amazon-order-item-id,"
    "merchant-order-item-id,purchase-date,payments-date,shipment-date,reporting-date,buyer-email,"
    "buyer-name,buyer-phone-number,sku,product-name,quantity-shipped,currency,item-price,item-tax,"
    "shipping-price,shipping-tax,gift-wrap-price,gift-wrap-tax,ship-service-level,recipient-name,"
    "ship-address-1,ship-address-2,ship-address-3,ship-city,ship-state,ship-postal-code,"
    "ship-country,ship-phone-number,bill-address-1,bill-address-2,bill-address-3,bill-city,"
    "bill-state,bill-postal-code,bill-country,item-promotion-discount,ship-promotion-discount,"
    "carrier,tracking-number,estimated-arrival-date,fulfillment-center-id,fulfillment-channel,"
    "sales-channel"
)

# 111-1: 50 (of two mugs, 5 off) + 50. 111-2: 25. 111-4: 10, its other line is cancelled. 111-8, of
# nobody: 19.99. 111-9: two equal lines of 10. The others are cancelled, pending, returned, or of
# another channel. Gross 174.99, discounts 5, net 169.99; five orders of b1, b2, b4.
_AMAZON_NAMES = (
    "amazon-order-id|purchase-date|order-status|sales-channel|product-name|sku|item-status|quantity|"
    "currency|item-price|item-tax|shipping-price|item-promotion-discount|buyer-email"
)
_AMAZON_ROWS = """
111-1|2024-03-10T02:30:00+00:00|Shipped|Amazon.com|Mug|MUG|Shipped|2|USD|50.00|4.00|5.99|5.00|b1@marketplace.amazon.com
111-1|2024-03-10T02:30:00+00:00|Shipped|Amazon.com|Tea|TEA|Shipped|1|USD|50.00|4.00|||b1@marketplace.amazon.com
111-2|2024-03-11T10:00:00+00:00|Shipped|Amazon.com|Mug|MUG|Shipped|1|USD|25.00|2.00|||B1@marketplace.amazon.com
111-3|2024-03-12T10:00:00+00:00|Cancelled|Amazon.com|Mug|MUG|Cancelled|0||||||b2@marketplace.amazon.com
111-4|2024-03-13T10:00:00+00:00|Shipped|Amazon.com|Pan|PAN|Cancelled|1|USD|89.95||||b2@marketplace.amazon.com
111-4|2024-03-13T10:00:00+00:00|Shipped|Amazon.com|Tea|TEA|Shipped|1|USD|10.00||||b2@marketplace.amazon.com
111-5|2024-03-14T10:00:00+00:00|Pending|Amazon.com|Tea|TEA|Unshipped|1||||||b3@marketplace.amazon.com
111-6|2024-03-15T10:00:00+00:00|Shipped - Returned to Seller|Amazon.com|Tea|TEA|Shipped|3|USD|30.00||||b3@marketplace.amazon.com
S01-7|2024-03-16T10:00:00+00:00|Shipped|Non-Amazon US|Tea|TEA|Shipped|1||||||
111-8|2024-03-17T10:00:00+00:00|Unshipped|Amazon.com|12" Lamp|LAMP|Unshipped|1|USD|19.99|1.60|||
111-9|2024-12-31T23:30:00-08:00|Shipped|Amazon.com|Tea|TEA|Shipped|1|USD|10.00||||b4@marketplace.amazon.com
111-9|2024-12-31T23:30:00-08:00|Shipped|Amazon.com|Tea|TEA|Shipped|1|USD|10.00||||b4@marketplace.amazon.com
"""


def amazon_without_buyer(folder: Path) -> Path:
    """All Orders as it is: it does not say who bought."""
    rows = [_without(row, "buyer-email") for row in listed(_AMAZON_NAMES, _AMAZON_ROWS)]
    return write(folder / "41627019000.txt", AMAZON, rows, delimiter="\t")


def amazon(folder: Path, currency_of_the_last: str = "USD") -> Path:
    """All Orders with the buyers' aliases added, as an operator would by the orders' ids."""
    rows = listed(_AMAZON_NAMES, _AMAZON_ROWS)
    rows[-1]["currency"] = currency_of_the_last
    return write(folder / "41627019001.txt", [*AMAZON, "buyer-email"], rows, delimiter="\t")


def amazon_shipments(folder: Path) -> Path:
    """Of Amazon Fulfilled Shipments: the lines among the above that count, as all of it does."""
    rows = [
        _without(row, "order-status", "item-status", "quantity")
        | {"quantity-shipped": row["quantity"]}
        for row in listed(_AMAZON_NAMES, _AMAZON_ROWS)
        if row["item-price"] and "Returned" not in row["order-status"]
        if row["item-status"] != "Cancelled"
    ]
    return write(folder / "41627019002.txt", AMAZON_SHIPMENTS, rows, delimiter="\t")


def _without(row: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if name not in names}


AMAZON_SQL = """
with lines as (
    select
        "amazon-order-id" as number,
        lower("buyer-email") as customer,
        cast(cast("purchase-date" as timestamptz) as date) as day,
        cast("item-price" as decimal(18, 2)) as "full",
        coalesce(cast("item-promotion-discount" as decimal(18, 2)), 0) as off
    from read_csv('{file}', delim = '\t', quote = '', all_varchar = true)
    where {where}
)
select
    sum("full"), sum(off), 0, sum("full" - off),
    count(distinct number), count(distinct customer), min(day), max(day)
from lines
"""

# Magento ------------------------------------------------------------------------------------------

MAGENTO = header(
    "ID,Purchase Point,Purchase Date,Bill-to Name,Ship-to Name,Grand Total (Base),"
    "Grand Total (Purchased),Status,Billing Address,Shipping Address,Shipping Information,"
    "Customer Email,Customer Group,Subtotal,Shipping and Handling,Customer Name,Payment Method,"
    "Total Refunded,Allocated sources,Pickup Location Code,Braintree Transaction Source"
)

# 112; 30, all given back; 80 - 25.50; 100, sold as 90 euros of which 45 were given back: 50; 19.99
# by transfer; 7.01 of nobody; 33.33, sold as 29.97, a third given back: 22.22. The others are
# cancelled, unpaid, or fraud. Gross 382.33, refunds 30 + 25.50 + 50 + 11.11 = 116.61, net 265.72;
# seven orders of Ann, Bob, Carl, Dora, Frank.
_MAGENTO_NAMES = (
    "ID|Purchase Date|Grand Total (Base)|Grand Total (Purchased)|Status|Customer Email|"
    "Customer Group|Subtotal|Shipping and Handling|Total Refunded|Billing Address"
)
_MAGENTO_ROWS = r"""
000000001|Mar 9, 2024 11:30:00 PM|112.0000|112.0000|complete|ann@example.org|General|100.0000|12.0000||1 Main St,\nSpringfield
000000002|Mar 10, 2024 9:00:00 AM|30.0000|30.0000|closed|Ann@Example.org|General|25.0000|5.0000|30.0000|
000000003|Mar 11, 2024 9:00:00 AM|60.0000|60.0000|canceled|bob@example.org|General|60.0000|0.0000||
000000004|Mar 12, 2024 12:15:00 PM|80.0000|80.0000|complete|bob@example.org|General|80.0000|0.0000|25.5000|
000000005|Apr 1, 2024 9:00:00 AM|100.0000|90.0000|processing|carl@example.org|NOT LOGGED IN|100.0000|0.0000|45.0000|
000000006|Apr 2, 2024 9:00:00 AM|19.9900|19.9900|pending|dora@example.org|General|19.9900|0.0000||
000000007|Apr 3, 2024 9:00:00 AM|10.0000|10.0000|pending_payment|eve@example.org|General|10.0000|0.0000||
000000008|Apr 4, 2024 9:00:00 AM|500.0000|500.0000|fraud|eve@example.org|General|500.0000|0.0000||
000000009|May 1, 2024 9:00:00 AM|7.0100|7.0100|holded||NOT LOGGED IN|7.0100|0.0000||
000000010|Dec 31, 2024 12:05:00 AM|33.3300|29.9700|complete|frank@example.org|General|33.3300|0.0000|9.9900|
"""


def magento(folder: Path) -> Path:
    """One row per order; two were sold in another currency."""
    rows = listed(_MAGENTO_NAMES, _MAGENTO_ROWS)
    for row in rows:
        row |= {"Purchase Point": "Main Website", "Payment Method": "checkmo"}
    return write(folder / "export.csv", MAGENTO, rows)


MAGENTO_SQL = """
with orders as (
    select
        lower("Customer Email") as customer,
        cast(strptime("Purchase Date", '%b %-d, %Y %-I:%M:%S %p') as date) as day,
        cast("Grand Total (Base)" as decimal(18, 2)) as paid,
        cast(
            coalesce(cast("Total Refunded" as decimal(18, 2)), 0)
            * cast("Grand Total (Base)" as decimal(18, 2))
            / cast("Grand Total (Purchased)" as decimal(18, 2)) as decimal(18, 2)
        ) as refunded
    from read_csv('{file}', all_varchar = true)
    where "Status" not in ('canceled', 'pending_payment', 'fraud')
)
select
    sum(paid), 0, sum(refunded), sum(paid - refunded),
    count(*), count(distinct customer), min(day), max(day)
from orders
"""

# BigCommerce --------------------------------------------------------------------------------------

_PLACE = "First Name,Last Name,Company,Street 1,Street 2,Suburb,State,Zip,Country,Phone,Email"
BIGCOMMERCE = header(
    "Order ID,Customer ID,Customer Name,Customer Email,Customer Phone,Order Date,Order Status,"
    "Subtotal (inc tax),Subtotal (ex tax),Tax Total,Shipping Cost (inc tax),Shipping Cost (ex tax),"
    "Ship Method,Handling Cost (inc tax),Handling Cost (ex tax),Order Total (inc tax),"
    "Order Total (ex tax),Payment Method,Total Quantity,Total Shipped,Date Shipped,"
    "Order Currency Code,Exchange Rate,Order Notes,Customer Message,"
    + ",".join(
        f"{of} {part}"
        for of in ("Billing", "Shipping")
        for part in header(f"{_PLACE},Purchase Order #")
    )
    + ",Product Details,Store Credit Redeemed,Gift Certificate Amount Redeemed,"
    "Gift Certificate Code,Gift Certificate Expiration Date,Coupon Details,Refund Amount"
)

# 100: 100 - 5 by coupon = 95. 101: 25. 102: 30 of a guest. 103: 40 of the same, 15 given back: 25.
# 104: 60, all given back with tax and shipping: 0. 109, of nobody: 12.34. 110: 9.99. The others are
# cancelled, declined, or never paid. Gross 277.33, discounts 5, refunds 75, net 197.33; seven
# orders of 11, 12, 13 and Bob.
_BIGCOMMERCE_NAMES = (
    "Order ID|Customer ID|Customer Email|Order Date|Order Status|Subtotal (ex tax)|Tax Total|"
    "Shipping Cost (ex tax)|Handling Cost (ex tax)|Order Total (inc tax)|Order Total (ex tax)|"
    "Total Quantity|Refund Amount|Customer Message"
)
_BIGCOMMERCE_ROWS = r"""
100|11|ann@example.org|09/03/2024|Completed|100.00|8.40|10.00|0.00|113.40|105.00|3|0.00|Two bags,\nplease
101|11|ann@example.org|10/03/2024|Shipped|25.00|2.00|0.00|0.00|27.00|25.00|1|0.00|
102|0|Bob@Example.org|13/03/2024|Awaiting Fulfillment|30.00|2.88|4.50|1.50|38.88|36.00|1|0.00|
103|0|bob@example.org|01/04/2024|Partially Refunded|40.00|3.60|5.00|0.00|48.60|45.00|2|15.00|
104|12|carl@example.org|02/04/2024|Refunded|60.00|5.28|6.00|0.00|71.28|66.00|1|71.28|
105|12|carl@example.org|03/04/2024|Cancelled|500.00|0.00|0.00|0.00|500.00|500.00|1|0.00|
106|0|dora@example.org|04/04/2024|Incomplete|20.00|0.00|0.00|0.00|20.00|20.00|1|0.00|
107|13|eve@example.org|05/04/2024|Declined|20.00|0.00|0.00|0.00|20.00|20.00|1|0.00|
108|13|eve@example.org|06/04/2024|Awaiting Payment|20.00|0.00|0.00|0.00|20.00|20.00|1|0.00|
109|0||31/12/2024|Completed|12.34|0.00|0.00|0.00|12.34|12.34|1|0.00|
110|13|eve@example.org|01/05/2024|Disputed|9.99|0.00|0.00|0.00|9.99|9.99|1|0.00|
"""


def bigcommerce(folder: Path, currency_of_the_last: str = "GBP") -> Path:
    """One row per order; days are written before months."""
    rows = listed(_BIGCOMMERCE_NAMES, _BIGCOMMERCE_ROWS)
    for row in rows:
        row |= {
            "Order Currency Code": "GBP",
            "Exchange Rate": "1.0000000000",
            "Product Details": f"Product ID: 77, Product Qty: {row['Total Quantity']}",
        }
    rows[-1]["Order Currency Code"] = currency_of_the_last
    return write(folder / "orders-2025-01-01.csv", BIGCOMMERCE, rows)


BIGCOMMERCE_SQL = """
with orders as (
    select
        if("Customer ID" = '0', lower("Customer Email"), "Customer ID") as customer,
        cast(strptime("Order Date", '%d/%m/%Y') as date) as day,
        cast("Subtotal (ex tax)" as decimal(18, 2)) as "full",
        cast("Order Total (ex tax)" as decimal(18, 2))
        - cast("Shipping Cost (ex tax)" as decimal(18, 2))
        - cast("Handling Cost (ex tax)" as decimal(18, 2)) as goods,
        cast("Refund Amount" as decimal(18, 2)) as refunded
    from read_csv('{file}', all_varchar = true)
    where "Order Status" not in ('Cancelled', 'Incomplete', 'Declined', 'Awaiting Payment')
)
select
    sum("full"), sum("full" - goods), sum(least(refunded, goods)),
    sum(goods - least(refunded, goods)),
    count(*), count(distinct customer), min(day), max(day)
from orders
"""

# Olist --------------------------------------------------------------------------------------------

OLIST = {
    "olist_orders_dataset.csv": "order_id|customer_id|order_status|order_purchase_timestamp|"
    "order_approved_at|order_delivered_carrier_date|order_delivered_customer_date|"
    "order_estimated_delivery_date",
    "olist_order_items_dataset.csv": "order_id|order_item_id|product_id|seller_id|"
    "shipping_limit_date|price|freight_value",
    "olist_customers_dataset.csv": "customer_id|customer_unique_id|customer_zip_code_prefix|"
    "customer_city|customer_state",
    "olist_products_dataset.csv": "product_id|product_category_name|product_name_lenght|"
    "product_description_lenght|product_photos_qty|product_weight_g|product_length_cm|"
    "product_height_cm|product_width_cm",
}


def _hex(number: int) -> str:
    # ids that look like numbers, some with an e in them
    return f"{number:032x}"


def olist(folder: Path) -> Path:
    """Four of the files: pieces, their orders, whose they are, and what they are."""
    folder = folder / "olist"
    folder.mkdir()
    orders = [
        # of whom, how it stands, when, and what for how much
        (0x1, "delivered", "2017-10-02 23:56:33", [(0xA1, "21.33")] * 3),
        (0x1, "shipped", "2017-11-18 19:28:06", [(0xA2, "120.00")]),
        (0x2, "canceled", "2017-12-01 10:00:00", [(0xA1, "50.00")]),
        (0x2, "invoiced", "2018-01-31 23:59:59", [(0xA3, "9.99"), (0xA2, "120.00")]),
        (0x3, "unavailable", "2018-01-15 08:00:00", []),
        (0x1E5, "created", "2018-01-16 08:00:00", [(0xA3, "5.00")]),
    ]
    rows: dict[str, list[Row]] = {name: [] for name in OLIST}
    for number, (person, status, bought, pieces) in enumerate(orders, 1):
        order, customer = _hex(0x10E0 + number), _hex(0xC0 + number)
        rows["olist_orders_dataset.csv"].append(
            {
                "order_id": order,
                "customer_id": customer,
                "order_status": status,
                "order_purchase_timestamp": bought,
            }
        )
        rows["olist_customers_dataset.csv"].append(
            {
                "customer_id": customer,
                "customer_unique_id": _hex(person),
                "customer_zip_code_prefix": "01409",
                "customer_city": "são paulo",
                "customer_state": "SP",
            }
        )
        rows["olist_order_items_dataset.csv"] += [
            {
                "order_id": order,
                "order_item_id": piece,
                "product_id": _hex(product),
                "seller_id": _hex(0x5E),
                "shipping_limit_date": bought,
                "price": price,
                "freight_value": "15.10",
            }
            for piece, (product, price) in enumerate(pieces, 1)
        ]
    rows["olist_products_dataset.csv"] = [
        {"product_id": _hex(0xA1), "product_category_name": "perfumaria"},
        {"product_id": _hex(0xA2), "product_category_name": "artes"},
        {"product_id": _hex(0xA3), "product_category_name": ""},
    ]
    for name, columns in OLIST.items():
        write(folder / name, columns.split("|"), rows[name])
    return folder


# 3 x 21.33 = 63.99 and 120 of the first person, 129.99 of the second, 5 of the last: 318.98 in four
# orders; one is cancelled, and one has no pieces
OLIST_SQL = """
select
    sum(cast(price as decimal(18, 2))), 0, 0, sum(cast(price as decimal(18, 2))),
    count(distinct order_id), count(distinct customer_unique_id),
    min(cast(left(order_purchase_timestamp, 10) as date)),
    max(cast(left(order_purchase_timestamp, 10) as date))
from read_csv('{file}/olist_order_items_dataset.csv', all_varchar = true) as pieces
inner join read_csv('{file}/olist_orders_dataset.csv', all_varchar = true) as orders
    using (order_id)
inner join read_csv('{file}/olist_customers_dataset.csv', all_varchar = true) as customers
    using (customer_id)
where order_status not in ('canceled', 'unavailable')
"""

# Superstore ---------------------------------------------------------------------------------------

SUPERSTORE = header(
    "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,"
    "State,Postal Code,Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,"
    "Discount,Profit"
)

# 261.96 + 731.94 + 14.62 + 957.5775 + 2 x 22.368 + 10 = 2020.8335, after discounts already. One
# order id is used by two customers: four orders of four customers.
_SUPERSTORE_NAMES = (
    "Row ID|Order ID|Order Date|Customer ID|City|Product ID|Product Name|Sales|Quantity|Discount"
)
_SUPERSTORE_ROWS = """
1|CA-2016-152156|11/8/2016|CG-12520|Henderson|FUR-BO-10001798|Somerset Bookcase|261.96|2|0
2|CA-2016-152156|11/8/2016|CG-12520|Henderson|FUR-CH-10000454|Chairs, "stacked", set|731.94|3|0
3|CA-2016-138688|6/12/2016|DV-13045|Los Angeles|OFF-LA-10000240|Crème Labels|14.62|2|0
4|US-2015-108966|10/11/2015|SO-20335|Fort Lauderdale|FUR-TA-10000577|Slim Table|957.5775|5|0.45
5|US-2015-108966|10/11/2015|SO-20335|Fort Lauderdale|OFF-ST-10000760|Cart|22.368|2|0.2
6|US-2015-108966|10/11/2015|SO-20335|Fort Lauderdale|OFF-ST-10000760|Cart|22.368|2|0.2
7|CA-2016-138688|6/20/2016|BH-11710|Los Angeles|OFF-LA-10000240|Crème Labels|10.00|1|0
"""


def superstore(folder: Path) -> Path:
    """Not in UTF-8, months before days, four decimals."""
    rows = listed(_SUPERSTORE_NAMES, _SUPERSTORE_ROWS)
    for row in rows:
        row |= {"Segment": "Consumer", "Country": "United States", "Region": "South"}
        row |= {"Category": "Furniture", "Profit": "1.5"}
    return write(folder / "Sample - Superstore.csv", SUPERSTORE, rows, encoding="cp1252")


SUPERSTORE_SQL = """
with lines as (
    select
        ("Order ID", "Customer ID", "Order Date") as number,
        "Customer ID" as customer,
        cast(strptime("Order Date", '%-m/%-d/%Y') as date) as day,
        cast("Sales" as decimal(18, 4)) as paid
    from read_csv('{file}', encoding = 'latin-1', all_varchar = true)
)
select
    sum(paid), 0, 0, sum(paid),
    count(distinct number), count(distinct customer), min(day), max(day)
from lines
"""

# dunnhumby ----------------------------------------------------------------------------------------

DUNNHUMBY = header(
    "household_key,BASKET_ID,DAY,PRODUCT_ID,QUANTITY,SALES_VALUE,STORE_ID,RETAIL_DISC,TRANS_TIME,"
    "WEEK_NO,COUPON_DISC,COUPON_MATCH_DISC"
)
DUNNHUMBY_PRODUCTS = header(
    "PRODUCT_ID,MANUFACTURER,DEPARTMENT,BRAND,COMMODITY_DESC,SUB_COMMODITY_DESC,"
    "CURR_SIZE_OF_PRODUCT"
)

# 1.39 + 2 x 3.78 + 1.99 of the first household, 19.99 + 0.50 of the second: 31.43 in four baskets;
# on the shelf 0.60 + 0.10 + 0.25 = 0.95 more. Day 1 is the first of 2016, a leap year, so day 711
# is the 345th of 2017.
_DUNNHUMBY_ROWS = """
1,26984851472,1,1004906,1,1.39,364,-0.6,1631,1,0,0
1,26984851472,1,1033142,2,3.78,364,0,1631,1,-1,0
1,26984851472,1,1033142,2,3.78,364,0,1631,1,-1,0
1,26984896261,9,1004906,1,1.99,364,0,8,2,0,0
2,26984896999,365,1033142,0,0.5,31742,-0.1,1000,53,0,-0.25
2,42302712006,711,6534178,9951,19.99,31742,0,2359,102,0,0
"""


def dunnhumby(folder: Path) -> Path:
    """The transactions alone."""
    rows = [
        dict(zip(DUNNHUMBY, line.split(","), strict=True))
        for line in _DUNNHUMBY_ROWS.strip().splitlines()
    ]
    return write(folder / "transaction_data.csv", DUNNHUMBY, rows)


def dunnhumby_folder(folder: Path) -> Path:
    """The transactions and what the products are, among other files of the set."""
    folder = folder / "dunnhumby"
    folder.mkdir()
    dunnhumby(folder)
    products = [("1004906", "GROCERY"), ("1033142", "PRODUCE"), ("6534178", "KIOSK-GAS")]
    rows = [{"PRODUCT_ID": number, "DEPARTMENT": department} for number, department in products]
    write(folder / "product.csv", DUNNHUMBY_PRODUCTS, rows)
    (folder / "hh_demographic.csv").write_text("AGE_DESC,household_key\n65+,1\n")
    return folder


DUNNHUMBY_SQL = """
with lines as (
    select
        "BASKET_ID" as basket,
        household_key as household,
        cast("SALES_VALUE" as decimal(18, 2)) as paid,
        -(cast("RETAIL_DISC" as decimal(18, 2)) + cast("COUPON_MATCH_DISC" as decimal(18, 2)))
            as off,
        date '2015-12-31' + cast("DAY" as integer) as bought
    from read_csv('{file}', all_varchar = true)
)
select
    sum(paid + off), sum(off), 0, sum(paid),
    count(distinct basket), count(distinct household), min(bought), max(bought)
from lines
"""

# Online Retail ------------------------------------------------------------------------------------

ONLINE_RETAIL = header(
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
)

# 15.30 + 20.34 (in the file twice, counted once) + 83.40 + 54 + 0 = 173.04; a discount of 27.50, a
# return of 4.65 and a bad debt of 53.12 are taken off: 87.77; seven invoices of three customers
_ONLINE_RETAIL_ROWS = """
536365|85123A|WHITE HANGING HEART|6|2010-12-01 08:26:00|2.55|17850|United Kingdom
536365|71053|WHITE METAL LANTERN|6|2010-12-01 08:26:00|3.39|17850|United Kingdom
536365|71053|WHITE METAL LANTERN|6|2010-12-01 08:26:00|3.39|17850|United Kingdom
536366|85048|15CM GLASS BALL, "XMAS"|12|2010-12-01 08:28:00|6.95|17850|United Kingdom
C536379|D|Discount|-1|2010-12-01 09:41:00|27.50|14527|United Kingdom
536370|POST|POSTAGE|3|2010-12-01 08:45:00|18.00|12583|France
536414|22139||56|2010-12-01 11:52:00|0.00||United Kingdom
C536383|35004C|SET OF 3 DUCKS|-1|2010-12-01 09:49:00|4.65|17850|United Kingdom
A563185|B|Adjust bad debt|1|2011-08-12 14:50:00|-53.12||United Kingdom
"""


def online_retail(folder: Path) -> Path:
    """One row stands twice."""
    rows = listed("|".join(ONLINE_RETAIL), _ONLINE_RETAIL_ROWS)
    return write(folder / "online_retail.csv", ONLINE_RETAIL, rows)


ONLINE_RETAIL_SQL = """
with lines as (
    select distinct
        * exclude ("Quantity"),
        cast("InvoiceDate" as timestamp)::date as day,
        cast("Quantity" as integer) * cast("UnitPrice" as decimal(18, 2)) as paid
    from read_csv('{file}', all_varchar = true)
)
select
    sum(greatest(paid, 0)), 0, -sum(least(paid, 0)), sum(paid),
    count(distinct "InvoiceNo"), count(distinct "CustomerID"), min(day), max(day)
from lines
"""

# the four tables ----------------------------------------------------------------------------------


def tables(folder: Path) -> Path:
    """Named as in the warehouse."""
    folder = folder / "tables"
    folder.mkdir()
    for name, rows in {
        "customer_details": "customer_id,email\nK1,ann@example.org\nK2,bob@example.org\n",
        "products": "product_id,product_name,product_category,unit_price\nMUG,Mug,Cups,5.50\n",
        "store_sales_header": "transaction_id,customer_id,transaction_date,total_amount\n"
        "1,K1,2024-03-09 23:30:00,11.00\n2,K2,2024-03-10 00:30:00,4.50\n"
        "3,K1,2024-03-12 10:00:00,-5.50\n",
        "store_sales_line_items": "line_item_id,transaction_id,product_id,quantity,"
        "line_item_amount\n11,1,MUG,2,11.00\n21,2,MUG,1,4.50\n31,3,MUG,-1,-5.50\n",
    }.items():
        (folder / f"{name}.csv").write_text(rows)
    return folder


# 11 + 4.50 sold, 5.50 given back: 10 in three orders of two customers
TABLES_SQL = """
select
    sum(greatest(line_item_amount, 0)), 0, -sum(least(line_item_amount, 0)),
    sum(line_item_amount), count(distinct transaction_id), count(distinct customer_id),
    min(cast(transaction_date as date)), max(cast(transaction_date as date))
from read_csv(
    '{file}/store_sales_line_items.csv', types = {'line_item_amount': 'decimal(18, 2)'}
) as lines
inner join read_csv('{file}/store_sales_header.csv') as headers using (transaction_id)
"""

EXPORTS = {
    "shopify": Export(
        "shopify",
        "a row per line, the order's cells on its first",
        shopify,
        sums("310.26", "14.27", "70", "225.99", 7, 4, days="2024-03-10 2024-11-04"),
        SHOPIFY_SQL,
    ),
    "woocommerce": Export(
        "woocommerce",
        "a row per line, the order's cells on each",
        woocommerce,
        sums("205.50", "5.01", "75.50", "124.99", 7, 5, days="2024-03-09 2024-12-31"),
        WOOCOMMERCE_SQL,
    ),
    "stripe": Export(
        "stripe",
        "a row per payment",
        stripe,
        sums("1231.89", "0", "61", "1170.89", 7, 4, days="2024-03-09 2024-12-31"),
        STRIPE_SQL,
    ),
    "stripe, older columns": Export(
        "stripe",
        "a row per payment",
        stripe_before,
        sums("1231.89", "0", "61", "1170.89", 7, 4, days="2024-03-09 2024-12-31"),
        STRIPE_SQL.replace("Created date", "Created"),
    ),
    "square": Export(
        "square",
        "a row per line, refunds in rows of their own",
        square,
        sums("1320", "56", "1216.50", "47.50", 7, 3, days="2024-03-09 2024-04-02"),
        SQUARE_SQL,
    ),
    "amazon": Export(
        "amazon",
        "a row per line, tabs; buyers added",
        amazon,
        sums("174.99", "5", "0", "169.99", 5, 3, days="2024-03-10 2025-01-01"),
        AMAZON_SQL.replace(
            "{where}",
            "\"order-status\" in ('Shipped', 'Unshipped') and \"item-status\" <> 'Cancelled' "
            "and \"sales-channel\" = 'Amazon.com'",
        ),
    ),
    "amazon, shipments": Export(
        "amazon",
        "a row per shipped line, tabs",
        amazon_shipments,
        sums("174.99", "5", "0", "169.99", 5, 3, days="2024-03-10 2025-01-01"),
        AMAZON_SQL.replace("{where}", "true"),
    ),
    "magento": Export(
        "magento",
        "a row per order",
        magento,
        sums("382.33", "0", "116.61", "265.72", 7, 5, days="2024-03-09 2024-12-31"),
        MAGENTO_SQL,
    ),
    "bigcommerce": Export(
        "bigcommerce",
        "a row per order",
        bigcommerce,
        sums("277.33", "5", "75", "197.33", 7, 4, days="2024-03-09 2024-12-31"),
        BIGCOMMERCE_SQL,
    ),
    "olist": Export(
        "olist",
        "a row per piece, orders and persons in other files",
        olist,
        sums("318.98", "0", "0", "318.98", 4, 3, days="2017-10-02 2018-01-31"),
        OLIST_SQL,
    ),
    "superstore": Export(
        "superstore",
        "a row per line",
        superstore,
        sums("2020.8335", "0", "0", "2020.8335", 4, 4, days="2015-10-11 2016-11-08"),
        SUPERSTORE_SQL,
    ),
    "dunnhumby": Export(
        "dunnhumby",
        "a row per product of a basket",
        dunnhumby,
        sums("32.38", "0.95", "0", "31.43", 4, 2, days="2016-01-01 2017-12-11"),
        DUNNHUMBY_SQL,
    ),
    "dunnhumby, folder": Export(
        "dunnhumby",
        "the same, products in another file",
        dunnhumby_folder,
        sums("32.38", "0.95", "0", "31.43", 4, 2, days="2016-01-01 2017-12-11"),
        DUNNHUMBY_SQL.replace("{file}", "{file}/transaction_data.csv"),
    ),
    "online_retail": Export(
        "online_retail",
        "a row per line, some twice",
        online_retail,
        sums("173.04", "0", "85.27", "87.77", 7, 3, days="2010-12-01 2011-08-12"),
        ONLINE_RETAIL_SQL,
    ),
    "tables": Export(
        "tables",
        "the four tables",
        tables,
        sums("15.50", "0", "5.50", "10", 3, 2, days="2024-03-09 2024-03-12"),
        TABLES_SQL,
    ),
}
