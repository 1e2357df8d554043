"""Find which of a file's columns is which of ours, by names and by what the values look like.

Money is told by arithmetic, see `load.money_columns`; a name alone would take a discount for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from load.look_at_columns import Look
from load.mapping import CURRENCY_NAMES, FILLABLE
from load.near_names import plain

# what shops call our columns, without case and signs; the first are the surest
_CALLED: Mapping[str, str] = {
    "customer_id": "customerid customer custid customerno customernumber customerkey clientid "
    "client userid user kundennr kundennummer kundenid kunde memberid member buyerid buyer "
    "shopperid shopper householdkey household accountid email customeremail",
    "transaction_id": "transactionid transaction invoiceno invoiceid invoice invoicenumber orderid "
    "orderno ordernumber order receiptid receiptno receipt basketid basket ticketid ticket saleid "
    "bonnr bon belegnr belegnummer beleg rechnungsnr rechnungsnummer rechnung bestellnr "
    "bestellnummer txnid txn orderkey name",
    "transaction_date": "transactiondate invoicedate orderdate purchasedate saledate date datum "
    "createdat orderedat soldat datetime timestamp day bestelldatum rechnungsdatum belegdatum "
    "orderpurchasetimestamp txndate time paidat purchasedon placedat",
    "product_id": "productid sku stockcode itemid articleid productcode itemcode productno "
    "lineitemsku artikelnr artikelnummer artikelid artikel article item product ean upc "
    "lineitemname",
    "product_name": "productname lineitemname description productdescription itemname title "
    "bezeichnung artikelbezeichnung artikelname productnamelenght name",
    "product_category": "productcategory category department warengruppe kategorie producttype "
    "productgroup itemcategory family",
    "unit_price": "unitprice price lineitemprice einzelpreis preis listprice stueckpreis itemprice "
    "salesprice priceperunit vkpreis rate",
    "quantity": "quantity qty lineitemquantity menge anzahl pieces units stueck stuck count",
    "line_item_amount": "lineitemamount linetotal lineamount amount salesvalue netsales betrag "
    "umsatz revenue sales netamount extendedprice summe dollars value spend gesamtpreis "
    "lineitemtotal total netprice subtotal",
    "line_item_id": "lineitemid lineno linenumber lineid orderlineid orderitemid positionid",
    "total_amount": "totalamount ordertotal grandtotal total gesamtbetrag gesamt invoicetotal "
    "orderamount amountpaid grandtotalpurchased",
    "store_id": "storeid store shopid branchid branch filiale filialnr outlet location",
    "promotion_id": "promotionid promotion promo promocode couponid coupon discountcode campaign",
    "recorded_at": "recordedat insertedat ingestedat receivedat",
    "first_name": "firstname vorname givenname",
    "email": "email emailaddress mail customeremail",
    "customer_phone": "customerphone phone phonenumber telefon telephone",
    "city": "city town ort stadt shippingcity",
    "region": "region country land shippingcountry state province bundesland billingcountry",
    "loyalty_status": "loyaltystatus loyaltytier tier loyalty",
    "total_loyalty_points": "totalloyaltypoints loyaltypoints points",
    "segment_id": "segmentid segment customersegment",
    "customer_since": "customersince registered registeredat registrationdate signupdate since "
    "joined joindate createdat created",
    "last_purchase_date": "lastpurchasedate lastpurchase lastorder",
    "current_stock_level": "currentstocklevel stocklevel stock onhand",
    "currency": " ".join(CURRENCY_NAMES),
    "rate": "rate",
    "day": "day date",
}
# a part of a name may say the contrary of the whole: a discount is no total
_OTHER_MONEY = (
    *("discount", "rabatt", "tax", "mwst", "vat", "steuer", "shipping", "versand", "freight"),
    *("fee", "tip", "refund", "erstattung", "cost", "profit", "margin", "balance", "deposit"),
    *("credit", "giftcard", "rounding", "channel", "weight", "points", "commission"),
    *("voucher", "coupon", "gutschein", "nachlass", "rebate", "promo", "skonto", "allowance"),
)
_SURE = 0.8
_IDS = ("customer_id", "transaction_id", "product_id", "line_item_id")
_MONEY = ("unit_price", "line_item_amount", "total_amount")


@dataclass(frozen=True)
class Match:
    """A file's column for one of ours, and why it may be another."""

    look: Look
    score: float

    @property
    def is_sure(self) -> bool:
        """Whether the name alone says it."""
        return self.score >= _SURE


def match(name: str, looks: Sequence[Look]) -> dict[str, Match]:
    """Return, for columns of the table `name`, the file's columns that are likely them."""
    types = FILLABLE[name].types
    scored = [
        (score, ours, look)
        for ours in types
        for look in looks
        if (score := _score(ours, look, types[ours])) > 0
    ]
    # equal scores: the order of our columns, then of the file's
    scored.sort(key=lambda entry: -entry[0])
    matches: dict[str, Match] = {}
    for score, ours, look in scored:
        if ours not in matches and all(matched.look is not look for matched in matches.values()):
            matches[ours] = Match(look, score)
    _guess(name, looks, matches)
    return matches


def is_other_money(look: Look) -> bool:
    """Return whether a column's name says that it is no money of goods."""
    return look.is_number and any(word in plain(look.name) for word in _OTHER_MONEY)


def _score(ours: str, look: Look, data_type: str) -> float:
    """Return how likely a column is ours by its name, 0 to 1; 0 where its values do not fit."""
    if not _fits(ours, look, data_type):
        return 0.0
    called = _CALLED.get(ours, plain(ours)).split()
    theirs = plain(look.name)
    if theirs in called:
        return 1.0 - 0.004 * called.index(theirs)
    if ours in (*_MONEY, "quantity") and is_other_money(look):
        return 0.0
    # long words only: "id" and "no" are in every other name
    inside = [word for word in called if len(word) >= 4 and word in theirs]
    return 0.3 + 0.3 * max(map(len, inside)) / len(theirs) if inside else 0.0


def _fits(ours: str, look: Look, data_type: str) -> bool:
    if not look.filled:
        return False
    if data_type in ("DATE", "TIMESTAMP"):
        return look.is_date
    if data_type.startswith("DECIMAL") or data_type == "BIGINT":
        return look.is_number
    if ours in _IDS:
        return not (look.is_date and not look.is_whole) and (look.is_whole or not look.is_number)
    return True


def _guess(name: str, looks: Sequence[Look], matches: dict[str, Match]) -> None:
    """Fill what orders need and no name tells, from the values of the columns left."""

    def left() -> list[Look]:
        return [
            look
            for look in looks
            if all(matched.look is not look for matched in matches.values())
            and not is_other_money(look)
        ]

    columns = FILLABLE[name].types
    if "customer_id" in columns and "customer_id" not in matches and "email" in matches:
        matches["customer_id"] = Match(matches["email"].look, _SURE)
    wanted = {
        "transaction_date": lambda look: look.is_date,
        "customer_id": lambda look: look.is_whole and 0 < look.distinct < 1 and look.typical > 20,
        "quantity": lambda look: look.is_whole and abs(look.typical) <= 100 and look.distinct < 0.5,
    }
    for ours, fits in wanted.items():
        if ours in columns and ours not in matches:
            guess = next((look for look in left() if fits(look)), None)
            if guess:
                matches[ours] = Match(guess, 0.1)
