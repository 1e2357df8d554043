"""Names, e-mails and phones, read from the raw table: only in an app started `--with-contacts`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from core.ids import canonical
from serve import repository
from serve.campaign import HOLD_OUT
from serve.customer_list import CONDITIONS, MART, Filters

FLAG = "--with-contacts"
COLUMNS = ("first_name", "email", "customer_phone")
# raw rows may be there twice: the newest load knows best
CONTACTS = f"""
    select customer_id, {", ".join(COLUMNS)}
    from (
        select * replace ({canonical("customer_id")} as customer_id) from raw.customer_details
    )
    qualify row_number() over (
        partition by customer_id order by _loaded_at desc, {", ".join(COLUMNS)}
    ) = 1
"""


def allowed() -> bool:
    """Return whether this app may show who customers are."""
    return FLAG in sys.argv


@dataclass(frozen=True)
class WithContacts(Filters):
    """The same customers, with their contacts beside; a part of a name finds them, too."""

    relation: ClassVar[str] = f"(from {MART} left join ({CONTACTS}) using (customer_id))"
    conditions: ClassVar[Mapping[str, str]] = CONDITIONS | {
        "id_part": f"({CONDITIONS['id_part']} or contains(lower(first_name), lower($id_part)))"
    }


def beside(members: pd.DataFrame) -> pd.DataFrame:
    """Return an audience with the contacts of all but who is held out, whom nobody may contact."""
    contacted = members.loc[members["arm"] != HOLD_OUT, ["customer_id"]]
    known = contacted.merge(repository.frame(CONTACTS), on="customer_id", how="left")
    return members.merge(known, on="customer_id", how="left")


def of(customer_id: str) -> list[str]:
    """Return name, e-mail and phone of a customer, as far as they are known."""
    rows = repository.frame(
        f"select {', '.join(COLUMNS)} from ({CONTACTS}) where customer_id = $customer_id",
        {"customer_id": customer_id},
    )
    return [each for each in rows.to_numpy().ravel() if isinstance(each, str) and each.strip()]
