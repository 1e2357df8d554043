"""How planted faults fare: which the rules catch, what clean rows they hit, and what is lost.

Only for a generated shop: its plan draws the clean shop once more, to be held against the cleaned
facts.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from generate import truth
from generate.faults import FAULTS
from generate.shop.drawer import draw_shop

# every row that a rule touched, by table, key and rule
_TOUCHED = """
create or replace temp view touched as
select 'customer_details' as table_name, customer_id as row_key, unnest(list_filter([
    if(exact_duplicate_rows > 0, 'exact_duplicate', null),
    if(duplicate_rows > exact_duplicate_rows, 'conflicting_duplicate', null),
    if(is_id_respelt, 'id_respelt', null),
    if(is_loyalty_imputed, 'loyalty_imputed', null),
    if(is_region_imputed, 'region_imputed', null),
    if(is_segment_imputed, 'segment_imputed', null),
    if(is_registration_removed, 'registration_removed', null),
    rejected_by
], lambda rule: rule is not null)) as rule
from intermediate.int_customers_checked
union all
select 'products', product_id, unnest(list_filter([
    if(exact_duplicate_rows > 0, 'exact_duplicate', null),
    if(duplicate_rows > exact_duplicate_rows, 'conflicting_duplicate', null),
    if(is_id_respelt, 'id_respelt', null),
    if(is_category_imputed, 'category_imputed', null),
    if(is_category_respelt, 'category_respelt', null),
    if(is_name_recoded, 'name_recoded', null),
    rejected_by
], lambda rule: rule is not null))
from intermediate.int_products_checked
union all
select 'store_sales_header', if(is_id_missing, null, transaction_id), unnest(list_filter([
    if(exact_duplicate_rows > 0, 'exact_duplicate', null),
    if(versions > 1, 'superseded', null),
    if(duplicate_rows > exact_duplicate_rows, 'conflicting_duplicate', null),
    if(is_id_respelt, 'id_respelt', null),
    if(is_date_respelt, 'date_respelt', null),
    if(rejected_by is null and is_first and known_date > event_date, 'known_late', null),
    rejected_by
], lambda rule: rule is not null))
from intermediate.int_headers_checked
union all
select 'store_sales_header', transaction_id, 'total_recomputed'
from intermediate.int_header_totals_recomputed
where is_different
union all
select 'store_sales_line_items', if(is_id_missing, null, line_item_id), unnest(list_filter([
    if(exact_duplicate_rows > 0, 'exact_duplicate', null),
    if(versions > 1, 'superseded', null),
    if(duplicate_rows > exact_duplicate_rows, 'conflicting_duplicate', null),
    if(is_id_respelt, 'id_respelt', null),
    if(is_promotion_respelt, 'promotion_respelt', null),
    if(is_amount_respelt, 'amount_respelt', null),
    if(is_quantity_imputed, 'quantity_imputed', null),
    if(is_amount_imputed, 'amount_imputed', null),
    rejected_by
], lambda rule: rule is not null))
from intermediate.int_lines_checked
union all
select 'store_sales_line_items', line_item_id, unnest(list_filter([
    if(quantity <> quantity_before_cap, 'quantity_capped', null),
    if(line_item_amount <> amount_before_cap, 'amount_capped', null)
], lambda rule: rule is not null))
from intermediate.int_lines_capped
"""

# what explains that a rule touched a row: a fault of the row, of its header or customer, and for
# a header also of one of its lines
_EXPLAINED = """
create or replace temp view explained as
select table_name, row_key from truth.faults
union
select 'store_sales_line_items', lines.line_item_id
from clean_lines as lines
inner join truth.faults as faults
    on faults.table_name = 'store_sales_header' and faults.row_key = lines.transaction_id
union
select 'store_sales_header', lines.transaction_id
from clean_lines as lines
inner join truth.faults as faults
    on faults.table_name = 'store_sales_line_items' and faults.row_key = lines.line_item_id
union
select 'store_sales_header', headers.transaction_id
from clean_headers as headers
inner join truth.faults as faults on faults.row_key = headers.customer_id
where faults.fault = 'customers_deleted'
union
select 'store_sales_line_items', lines.line_item_id
from clean_lines as lines
inner join clean_headers as headers using (transaction_id)
inner join truth.faults as faults on faults.row_key = headers.customer_id
where faults.fault = 'customers_deleted'
"""

# a deleted customer is caught at the sales left behind; a row without an id by its number, as
# nothing else names it
_CAUGHT = """
select
    faults.fault,
    any_value(faults.rule) as rule,
    count(*) as planted,
    case
        when any_value(faults.rule) like 'missing_%_id'
            then least(count(*), (
                select count(*) from touched
                where touched.rule = any_value(faults.rule) and touched.row_key is null
            ))
        else count(*) filter (where exists (
            select 1 from touched
            where touched.rule = faults.rule
                and touched.table_name = faults.table_name
                and touched.row_key = faults.row_key
        ) or (faults.fault = 'customers_deleted' and exists (
            select 1 from intermediate.int_headers_checked as headers
            where headers.rejected_by = faults.rule and headers.customer_id = faults.row_key
        )))
    end as caught
from truth.faults as faults
group by faults.fault
order by faults.fault
"""

_FALSE_ALARMS = """
select touched.table_name, touched.rule, count(*) as rows
from touched
anti join explained
    on touched.table_name = explained.table_name and touched.row_key = explained.row_key
where touched.row_key is not null
group by all
order by all
"""

# each clean line beside what cleaning makes of it, and the fault that stands between them
_LINES = """
create or replace temp table compared as
select
    lines.line_item_id,
    coalesce(of_line.fault, of_header.fault, of_customer.fault) as fault,
    coalesce(of_line.rule, of_header.rule, of_customer.rule) as rule,
    of_product.fault as product_fault,
    cast(lines.line_item_amount as decimal(18, 2)) / 100 as clean_amount,
    facts.amount_before_cap as amount,
    facts.line_item_amount as capped_amount,
    facts.line_item_id is not null as is_kept,
    facts.customer_id is not distinct from headers.customer_id
        and facts.transaction_id is not distinct from lines.transaction_id
        and facts.event_date is not distinct from headers.transaction_date::date
        and facts.store_id is not distinct from headers.store_id
        and facts.promotion_id is not distinct from coalesce(lines.promotion_id, 'NONE')
        and facts.quantity_before_cap is not distinct from lines.quantity
        and facts.amount_before_cap * 100 is not distinct from lines.line_item_amount
        as is_equal,
    facts.product_category is not distinct from products.product_category as is_category_equal
from clean_lines as lines
inner join clean_headers as headers using (transaction_id)
inner join clean_products as products using (product_id)
left join truth.faults as of_line
    on of_line.table_name = 'store_sales_line_items' and of_line.row_key = lines.line_item_id
left join truth.faults as of_header
    on of_header.table_name = 'store_sales_header' and of_header.row_key = lines.transaction_id
left join truth.faults as of_customer
    on of_customer.fault = 'customers_deleted' and of_customer.row_key = headers.customer_id
left join truth.faults as of_product
    on of_product.table_name = 'products' and of_product.row_key = lines.product_id
left join intermediate.int_lines_capped as facts
    on facts.line_item_id = lines.line_item_id and facts.known_until = date '9999-12-31'
"""


@dataclass(frozen=True)
class Audit:
    """How the faults of one shop fared.

    Attributes
    ----------
    caught
        By fault: rule meant for it, planted, caught (by that rule), recall.
    false_alarms
        By table and rule: rows touched though no planted fault explains it.
    money
        By rule: lines, clean money, money in the cleaned facts, difference; the rule `-` is no
        fault at all, where only caps differ.
    wrong
        Lines that differ from the clean shop's though nothing of them is lost: line_item_id,
        fault; empty when cleaning is right.
    surplus
        Lines among the facts that the clean shop does not have.
    """

    caught: pd.DataFrame
    false_alarms: pd.DataFrame
    money: pd.DataFrame
    wrong: pd.DataFrame
    surplus: int


def audit(connection: duckdb.DuckDBPyConnection) -> Audit:
    """Hold the cleaned facts of a generated shop against the clean shop.

    Parameters
    ----------
    connection
        A warehouse with a generated shop, built by dbt; writable temporary tables are made.

    Raises
    ------
    generate.truth.TruthError
        If the shop was not generated.
    """
    clean = draw_shop(truth.plan_of(connection).clean()).tables
    for view, table in (
        ("clean_products", "products"),
        ("clean_headers", "store_sales_header"),
        ("clean_lines", "store_sales_line_items"),
    ):
        connection.register(view, clean[table])
    for statement in (_TOUCHED, _EXPLAINED, _LINES):
        connection.execute(statement)
    lossless = [name for name, fault in FAULTS.items() if not fault.loses]
    lossy = [name for name, fault in FAULTS.items() if fault.loses]
    caught = connection.execute(_CAUGHT).df().set_index("fault")
    return Audit(
        caught=caught.assign(recall=caught["caught"] / caught["planted"]),
        false_alarms=connection.execute(_FALSE_ALARMS).df(),
        money=connection.execute(
            """
            select
                coalesce(rule, '-') as rule,
                count(*) as lines,
                sum(clean_amount)::double as clean_money,
                coalesce(sum(capped_amount), 0)::double as cleaned_money,
                cleaned_money - clean_money as difference
            from compared
            group by all
            order by abs(difference) desc, rule
            """
        )
        .df()
        .set_index("rule"),
        wrong=connection.execute(
            """
            select line_item_id, fault, product_fault from compared
            where (fault is null or fault in (select unnest($lossless)))
                and (not is_equal or (
                    not is_category_equal
                    and (product_fault is null or product_fault not in (select unnest($lossy)))
                ))
            order by all
            """,
            {"lossless": lossless, "lossy": lossy},
        ).df(),
        surplus=connection.execute(
            "select count(*) from intermediate.int_lines_capped anti join clean_lines"
            " using (line_item_id)"
        ).fetchone()[0],
    )
