"""What the rules can be set to; the defaults are those of `dbt_project.yml`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Settings:
    """The settings of a build that features depend on, named like the dbt variables."""

    earliest_date: date = date(1990, 1, 1)
    date_formats: tuple[str, ...] = (
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%d.%m.%Y",
        "%d-%b-%Y %H:%M:%S",
        "%d-%b-%Y",
    )
    cap_multiple: float = 3
    cap_quantile: Decimal = Decimal("0.999")
    cap_minimum_lines: int = 1000
    cap_share_of_business: Decimal = Decimal("0.1")
    cap_share_when_raised: Decimal = Decimal("0.02")
    horizon_days: int = 30

    def variables(self) -> dict[str, object]:
        """Return the settings as dbt takes them."""
        plain = {date: str, Decimal: float, tuple: list}
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: plain.get(type(value), lambda same: same)(value) for name, value in values.items()
        }
