"""Mistakes to make in the SQL on purpose: a file, a text in it, and what stands there instead.

A text that occurs several times is meant where it occurs first. Each window bound, join key and
comparison of the way from raw rows to features has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """A mistake in one place of the dbt project."""

    file: str
    old: str
    new: str

    @property
    def name(self) -> str:
        """What stands there instead, and in which file."""
        new = " ".join(self.new.split()) or f"without {' '.join(self.old.split())}"
        return f"{Path(self.file).stem}: {new}"

    def place(self, project: Path) -> Path:
        """Find the file in a copy of the project: its name is the only one of its kind."""
        [file] = [*(project / "models").rglob(self.file), *(project / "macros").rglob(self.file)]
        return file

    def apply(self, project: Path) -> None:
        """Make the mistake in a copy of the project."""
        file = self.place(project)
        honest = file.read_text()
        if self.old not in honest:
            raise ValueError(f"{self.file} has no {self.old!r}: the list of mutants is out of date")
        file.write_text(honest.replace(self.old, self.new, 1))


def _of(mistakes: dict[str, list[tuple[str, str]]]) -> list[Mutant]:
    return [
        Mutant(f"{name}.sql", old, new)
        for name, changes in mistakes.items()
        for old, new in changes
    ]


MACROS = {
    "raise_caps": [
        ("1 / cut.lines", "0 / cut.lines"),
        ("exp(min(cumulated.size_bin) / 20)", "exp(max(cumulated.size_bin) / 20)"),
        ("cut.money - cut.lines * cut.cap", "cut.money"),
    ],
    "window_days": [
        ("return([1, bounds[0] | int])", "return([2, bounds[0] | int])"),
        ("return([1, bounds[0] | int])", "return([1, (bounds[0] | int) + 1])"),
        ("return([1, bounds[0] | int])", "return([1, (bounds[0] | int) - 1])"),
        ("return([bounds[0] | int,", "return([(bounds[0] | int) + 1,"),
        ("return([bounds[0] | int,", "return([(bounds[0] | int) - 1,"),
        ("bounds[1] | int]", "(bounds[1] | int) + 1]"),
        ("bounds[1] | int]", "(bounds[1] | int) - 1]"),
    ],
    "close_versions": [
        ("min(known_date) over", "max(known_date) over"),
        ("partition by {{ key }}, rejected_by is null", "partition by {{ key }}"),
        ("rejected_by is not null, known_date, version", "rejected_by is not null, version"),
        ("rejected_by is not null, known_date, version_number", "version_number"),
    ],
    "version_rows": [
        ("{{ moment }} desc nulls last", "{{ moment }} nulls last"),
        ("{{ moment }} desc nulls last, {{ content }}", "{{ content }}"),
        # without the content the rows themselves decide, which begin with it
        (
            "{{ moment }} desc nulls last, {{ content }}",
            "{{ moment }} desc nulls last, {{ content }} desc",
        ),
        ("place_in_day = 1 and content", "content"),
        (
            "order by {{ day }} nulls {{ first_day }}\n            )\n        ) as",
            "order by {{ day }} desc\n            )\n        ) as",
        ),
    ],
    "versions_known": [
        ("first_value({{ column }})", "last_value({{ column }})"),
        ("order by loaded_at, changed_on", "order by changed_on, loaded_at"),
        ("version_number > 1 then", "version_number > 0 then"),
        ("coalesce(dated.ended_on, {{ end_of_time() }})", "{{ end_of_time() }}"),
    ],
}

INTERMEDIATE = {
    "int_headers_checked": [
        ("kept.recorded_date + 1", "kept.recorded_date"),
        (
            "kept.event_date < customers.registered_date",
            "kept.event_date <= customers.registered_date",
        ),
        ("greatest(kept.known_date, customers.first_known_on)", "kept.known_date"),
    ],
    "int_lines_checked": [
        ("    where is_first\n", ""),
        (
            "kept.recorded_date, products.first_known_on)\n            as",
            "products.first_known_on)\n            as",
        ),
        (
            "kept.recorded_date, products.first_known_on)\n            as",
            "kept.recorded_date)\n            as",
        ),
        ("products.valid_from <= coalesce(", "products.valid_from < coalesce("),
        ("quantity * line_item_amount < 0", "quantity * line_item_amount > 0"),
    ],
    "int_line_sizes_binned": [
        ("date_trunc('month', known_date)", "date_trunc('month', event_date)"),
    ],
    "int_line_caps_set": [
        ("months.event_month > binned.known_month", "months.event_month >= binned.known_month"),
        ("lines_up_to >= {{", "lines_up_to > 1 + {{"),
        ("exp(min(size_bin) / 20)", "exp(max(size_bin) / 20)"),
        ("measure order by size_bin) as lines_up_to", "measure) as lines_up_to"),
    ],
    "int_lines_capped": [
        ("greatest(headers.known_date, lines.known_date) as", "lines.known_date as"),
        ("least(headers.known_until, lines.known_until) as", "headers.known_until as"),
        ("            headers.customer_id as customer_id,\n", ""),
        ("            headers.event_date as event_date,\n", ""),
        ("lines.transaction_id = headers.transaction_id", "lines.line_item_id = headers.store_id"),
        ("date_trunc('month', dated.event_date)", "date_trunc('month', dated.known_date)"),
    ],
    "int_orders_totalled": [
        ("lines.known_date <= states.known_date", "lines.known_date < states.known_date"),
        ("lines.known_until >= states.known_until", "lines.known_until > states.known_until"),
        ("promotion_id <> 'NONE'", "promotion_id = 'NONE'"),
        ("sum(greatest(line_item_amount, 0)) as", "sum(line_item_amount) as"),
        ("count_if(line_item_amount > 0)", "count_if(line_item_amount >= 0)"),
        ("cast(spend > 0 as integer)", "cast(spend >= 0 as integer)"),
        ("floor(spend) + floor(promoted)", "floor(spend + promoted)"),
    ],
    "int_active_days_restated": [
        ("min(known_date) < max(known_date) or ", ""),
        (" or min(known_until) < {{ end_of_time() }}", ""),
        ("max(known_until) filter", "min(known_until) filter"),
        (
            "partition by customer_id, event_date order by stretch",
            "partition by customer_id, event_date order by stretch desc",
        ),
    ],
    "int_customer_days_summed": [
        ("max(spend)", "sum(spend)"),
        (
            "max(case when orders > 0 then store_id end)",
            "min(case when orders > 0 then store_id end)",
        ),
        ("order by summed.store_id nulls first", "order by summed.store_id desc nulls first"),
        ("cast(summed.orders > 0 as integer)", "cast(summed.orders >= 0 as integer)"),
        ("    where is_first\n", ""),
    ],
    "int_customer_days_spaced": [
        ("order by known_date, event_date", "order by event_date, known_date"),
        ("days_since_active > 0 then", "days_since_active is not null then"),
        ("            partition by customer_id\n", ""),
        ("where gapped.is_restated_mark", "where not gapped.is_restated_mark"),
    ],
    "int_category_spend_cumulated": [
        ("-line_item_amount as spend", "line_item_amount as spend"),
        ("partition by customer_id, product_category", "partition by customer_id"),
    ],
    "int_category_states_tracked": [
        ("when category_spend = 0 then -1 ", ""),
        ("coalesce(led.leading_category, tracked.leading_category)", "tracked.leading_category"),
        ("        and tracked.known_date = led.known_date\n", ""),
    ],
    "int_category_leaders_restated": [
        ("changed.known_date >= cumulated.known_date", "changed.known_date > cumulated.known_date"),
        ("arg_max(cumulated", "arg_min(cumulated"),
    ],
    "int_customers_known": [
        ("min(known_date)", "max(known_date)"),
        (
            "coalesce(customers.registered_date, first_known.first_known_date),",
            "first_known.first_known_date,",
        ),
    ],
    "int_events_asof_joined": [
        ("spine.as_of_date > days.event_date", "spine.as_of_date >= days.event_date"),
        ("spine.as_of_date > days.known_date", "spine.as_of_date >= days.known_date"),
        ("spine.as_of_date <= days.known_until", "spine.as_of_date < days.known_until"),
        ("        and spine.as_of_date > days.event_date\n", ""),
        ("        and spine.as_of_date > days.known_date\n", ""),
        ("        and spine.as_of_date <= days.known_until\n", ""),
        ("spine.as_of_date - days.event_date as", "spine.as_of_date - days.event_date + 1 as"),
    ],
    "int_customer_windows": [
        ("isodow(event_date) >= 6", "isodow(event_date) > 6"),
        ("(days_before - 1) // 30", "days_before // 30"),
        ("days_before / 90", "days_before / 89"),
        ("min(case when active_days = 1 then event_date end)", "min(event_date)"),
        ("returned > 0 then event_date", "returned >= 0 then event_date"),
        ("store_order - 1000 * days_before", "store_order - days_before"),
        (
            "windowed.as_of_date > customers.known_from_date",
            "windowed.as_of_date >= customers.known_from_date",
        ),
        ("        and windowed.as_of_date <= customers.valid_until\n", ""),
        (
            "windowed.as_of_date > customers.valid_from",
            "windowed.as_of_date > customers.valid_from + 30",
        ),
        (
            "windowed.as_of_date > categories.known_date",
            "windowed.as_of_date >= categories.known_date",
        ),
        (
            "windowed.as_of_date <= categories.known_until",
            "windowed.as_of_date < categories.known_until",
        ),
    ],
}

# what a night computes anew: a mistake here shows only in a mart that nights have built
NEWS = {
    "plan_build": [
        ("from builds.loads_read union from builds.loads_found", "from builds.loads_read"),
        ("sum(cast(hash(raw_rows) as hugeint))", "0"),
        (
            "and found.loaded_at = read.loaded_at",
            "and found.loaded_at <= read.loaded_at",
        ),
    ],
    "get_incremental_replace_touched_sql": [
        (
            "select customer_id from {{ ref('int_customers_touched') }}",
            "select customer_id from {{ arguments.temp_relation }}",
        ),
    ],
}
TOUCHED = {
    "int_orders_renewed": [
        ("where customer_id in (select customer_id from customers)", "where false"),
    ],
    "int_lines_touched": [
        ("where transaction_id in (select transaction_id from orders)", "where false"),
        ("where product_id in (select product_id from products)", "where false"),
        ("where loaded_at in (select loaded_at from loads)", "where false"),
    ],
    "int_orders_touched": [
        ("where line_item_id in (select line_item_id from lines_touched)", "where false"),
    ],
    "int_customers_changed": [
        (
            "select * from versions\n    except all\n    select * from read_before",
            "select * from versions limit 0",
        ),
    ],
    "int_products_changed": [
        (
            "select * from versions\n    except all\n    select * from read_before",
            "select * from versions limit 0",
        ),
    ],
    "int_caps_changed": [
        ("least(caps.", "greatest(caps."),
        ("full outer join caps_before", "inner join caps_before"),
    ],
    "int_customers_touched": [
        (
            "from {{ ref('stg_retail__store_sales_header') }}",
            "from {{ ref('int_headers_checked') }}\n    where is_latest",
        ),
        ("abs(lines.amount_before_cap) > caps.amount_from", "false"),
        ("abs(lines.quantity_before_cap) > caps.quantity_from", "false"),
        ("date_trunc('month', lines.event_date)", "date_trunc('month', lines.known_date)"),
    ],
    "int_orders_totalled": [
        (
            "from headers where {{ touched('customer_id') }})",
            "from headers where is_first and {{ touched('customer_id') }})",
        ),
    ],
}

FEATURES = {
    "feat_spend": [
        ("ratio('spend_90d', '90')", "ratio('spend_90d', '91')"),
        (
            "momentum('spend_90d', '(spend_180d - spend_90d)')",
            "momentum('spend_90d', 'spend_180d')",
        ),
        ("spend_61_90d + spend_91_120d", "spend_61_90d"),
        ("spend_lifetime - returned_lifetime", "spend_lifetime + returned_lifetime"),
    ],
    "feat_frequency": [
        ("orders_360d - orders_180d", "orders_360d"),
        ("- power(", "+ power("),
        ("as_of_date - last_order_date as", "as_of_date - first_order_date as"),
    ],
    "feat_baskets": [
        ("returned_90d as returns_90d", "returned_30d as returns_90d"),
        ("as decimal(38, 4)) * spend_lifetime", "as decimal(38, 4))"),
    ],
    "feat_loyalty": [("orders_lifetime < 2", "orders_lifetime <= 2")],
    "feat_season": [
        ("dates.as_of_date > days.known_date", "dates.as_of_date >= days.known_date"),
        ("dates.as_of_date <= days.known_until", "dates.as_of_date < days.known_until"),
        ("isodow(day_ahead) >= 6", "isodow(day_ahead) > 6"),
        ("day(day_ahead) <= 24", "day(day_ahead) < 24"),
        ("as_of_date + 15", "as_of_date + 14"),
        (">= 365", ">= 395"),
        ("range(0, {{", "range(1, {{"),
    ],
    "feat_promotions": [
        ("range(-30, {{", "range(-29, {{"),
        ("as_of_date > promotions.announced_date", "as_of_date >= promotions.announced_date"),
        ("and promotions.end_date", "and promotions.end_date - 1"),
        ("is_promoted and day >= as_of_date", "is_promoted and day > as_of_date"),
        ("(where day >= as_of_date)", "(where day > as_of_date)"),
    ],
    "stg_retail__planned_promotions": [("loaded_at desc", "loaded_at asc")],
}

MUTANTS_OF_NIGHTS = [*_of(NEWS), *_of(TOUCHED)]
MUTANTS = [
    *_of(MACROS),
    *_of(INTERMEDIATE),
    *_of(FEATURES),
    *MUTANTS_OF_NIGHTS,
]
