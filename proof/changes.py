"""The kinds of change that make another future, in SQL on the raw tables.

Each is a list of statements. `movable_headers` and `movable_lines` are the rows that no as-of date
up to the cut can see; the macros that they are written with stand in `proof/futures.py`.
"""

from __future__ import annotations

# a header is known when it has happened and is recorded; a line without a day with its header.
# What states its day in words only, and no day of recording, may belong to the past
LOADS = """
create or replace temp view dated_headers as
select
    rowid as header_row,
    *,
    case
        when transaction_date is null then cast(recorded_at as date)
        else greatest(cast(recorded_at as date), cast(transaction_date as date))
    end as known
from raw.store_sales_header;
create or replace temp view movable_headers as
select * from dated_headers where known >= cut();
create or replace temp view future_orders as
select canonical(transaction_id) as id
from dated_headers
where canonical(transaction_id) is not null
group by all
having bool_and(coalesce(known >= cut(), false));
-- of rows of one line without a day nothing says which was there first
create or replace temp view undated_future_lines as
select canonical(line_item_id) as id
from raw.store_sales_line_items
where recorded_at is null and canonical(line_item_id) is not null
group by all
having bool_and(
    coalesce(canonical(transaction_id) in (select id from future_orders), false)
);
create or replace temp view movable_lines as
select rowid as line_row, *
from raw.store_sales_line_items
where cast(recorded_at as date) >= cut()
    or (recorded_at is null and canonical(line_item_id) in (select id from undated_future_lines));
create or replace temp view movable_customers as
select canonical(customer_id) as id
from raw.customer_details
group by all
-- a registration after its load is none
having bool_and(coalesce(customer_since between cut() and cast(_loaded_at as date), false));
create schema if not exists raw;
create table if not exists raw.loads (
    load_id bigint, mode varchar, known_on date, loaded_at timestamp
);
-- a later load for each world, known on some day from the cut on
create or replace temp macro load_of(id, what) as
    loaded() + to_seconds(cast(hash(world_of(id) || what) % 10000 as integer));
"""

_LOAD_OF_WORLDS = """
insert into raw.loads by name
select distinct on (loaded_at)
    1 as load_id,
    'append' as mode,
    from_the_cut(world_of({id}), $kind) as known_on,
    load_of({id}, $kind) as loaded_at
from ({rows}) as rows_of_it
"""

_NEW_CUSTOMERS = """
    select distinct canonical(customer_id) as customer_id
    from raw.store_sales_header
    where canonical(customer_id) is not null
        and canonical(customer_id) not in (
            select canonical(customer_id) from raw.customer_details
            where canonical(customer_id) is not null
        )
        and falls($kind, canonical(customer_id))
"""
_NEW_PRODUCTS = """
    select distinct canonical(product_id) as product_id
    from raw.store_sales_line_items
    where canonical(product_id) is not null
        and canonical(product_id) not in (
            select canonical(product_id) from raw.products
            where canonical(product_id) is not null
        )
        and falls($kind, canonical(product_id))
"""
_TOLD_CUSTOMERS = """
    select * from raw.customer_details
    where falls($kind, canonical(customer_id)) and _loaded_at < loaded()
"""
_TOLD_PRODUCTS = """
    select * from raw.products
    where falls($kind, canonical(product_id)) and _loaded_at < loaded()
"""

_ORDER_LINES = """
insert into raw.store_sales_line_items by name
select
    lines.* replace (
        other_name(line_item_id, $kind) as line_item_id,
        other_name(transaction_id, $kind) as transaction_id,
        line_item_amount * (1 + floor(dice(line_item_id, 'times') * 5)) as line_item_amount,
        {recorded} as recorded_at,
        loaded() as _loaded_at
    )
from raw.store_sales_line_items as lines
where falls($kind, canonical(transaction_id))
    and other_name(transaction_id, $kind) in (
        select transaction_id from raw.store_sales_header
    )
"""

CHANGES: dict[str, list[str]] = {
    "headers deleted": [
        """
        delete from raw.store_sales_header where rowid in (
            select header_row from movable_headers where falls($kind, canonical(transaction_id))
        )
        """
    ],
    "lines deleted": [
        """
        delete from raw.store_sales_line_items where rowid in (
            select line_row from movable_lines where falls($kind, canonical(line_item_id))
        )
        """
    ],
    "customers deleted": [
        """
        delete from raw.customer_details
        where canonical(customer_id) in (select id from movable_customers)
            and falls($kind, canonical(customer_id))
        """
    ],
    "headers rewritten": [
        """
        update raw.store_sales_header set
            customer_id = one_of_people(canonical(transaction_id), $kind),
            store_id = 'ELSEWHERE',
            total_amount = 1,
            customer_phone = 'REWRITTEN',
            transaction_date_text = 'rewritten',
            transaction_date = case
                when recorded_at >= cut() and dice(transaction_id, 'past') < 0.5
                    then before_the_cut(transaction_id, $kind)
                else from_the_cut(transaction_id, $kind)
            end,
            _loaded_at = loaded()
        where rowid in (
            select header_row from movable_headers where falls($kind, canonical(transaction_id))
        )
        """
    ],
    "lines rewritten": [
        """
        update raw.store_sales_line_items set
            quantity = case when dice(line_item_id, 'void') < 0.2 then -quantity
                else quantity + 3 end,
            line_item_amount = line_item_amount * 7,
            -- read where there is no amount
            line_item_amount_text = '7.77',
            product_id = one_of_goods(canonical(line_item_id), $kind),
            promotion_id = 'NEW',
            transaction_id = case
                when recorded_at >= cut() and dice(line_item_id, 'moved') < 0.3
                    then one_of_orders(canonical(line_item_id), $kind)
                else transaction_id
            end,
            _loaded_at = loaded()
        where rowid in (
            select line_row from movable_lines where falls($kind, canonical(line_item_id))
        )
        """
    ],
    "orders added": [
        """
        insert into raw.store_sales_header by name
        select distinct on (transaction_id) headers.* replace (
            other_name(transaction_id, $kind) as transaction_id,
            one_of_people(canonical(transaction_id), $kind) as customer_id,
            from_the_cut(transaction_id, $kind) as transaction_date,
            null as transaction_date_text,
            null as recorded_at,
            loaded() as _loaded_at
        )
        from raw.store_sales_header as headers
        where falls($kind, canonical(transaction_id))
        """,
        _ORDER_LINES.format(recorded="null"),
    ],
    "orders known late": [
        """
        insert into raw.store_sales_header by name
        select distinct on (transaction_id) headers.* replace (
            other_name(transaction_id, $kind) as transaction_id,
            before_the_cut(transaction_id, $kind) as transaction_date,
            null as transaction_date_text,
            from_the_cut(transaction_id, 'recorded') as recorded_at,
            loaded() as _loaded_at
        )
        from raw.store_sales_header as headers
        where falls($kind, canonical(transaction_id))
        """,
        _ORDER_LINES.format(recorded="null"),
    ],
    "lines known late": [
        """
        insert into raw.store_sales_line_items by name
        select lines.* replace (
            other_name(line_item_id, $kind) as line_item_id,
            line_item_amount * 50 as line_item_amount,
            from_the_cut(line_item_id, $kind) as recorded_at,
            loaded() as _loaded_at
        )
        from raw.store_sales_line_items as lines
        where falls($kind, canonical(line_item_id))
        """
    ],
    "headers restated": [
        """
        insert into raw.store_sales_header by name
        select headers.* replace (
            case when dice(transaction_id, 'who') < 0.6
                then one_of_people(canonical(transaction_id), $kind)
                else customer_id end as customer_id,
            'ELSEWHERE' as store_id,
            case when dice(transaction_id, 'when') < 0.5
                then before_the_cut(transaction_id, $kind)
                else transaction_date end as transaction_date,
            from_the_cut(transaction_id, 'recorded') as recorded_at,
            loaded() as _loaded_at
        )
        from raw.store_sales_header as headers
        where falls($kind, canonical(transaction_id))
        """
    ],
    "lines restated": [
        """
        insert into raw.store_sales_line_items by name
        select lines.* replace (
            case when dice(line_item_id, 'what') < 0.3
                then one_of_goods(canonical(line_item_id), $kind) else product_id end as product_id,
            case when dice(line_item_id, 'void') < 0.2 then -quantity else quantity * 9 end
                as quantity,
            case when dice(line_item_id, 'nothing') < 0.2 then 0 else line_item_amount * 9 end
                as line_item_amount,
            case when dice(line_item_id, 'moved') < 0.2
                then one_of_orders(canonical(line_item_id), $kind) else transaction_id
            end as transaction_id,
            from_the_cut(line_item_id, $kind) as recorded_at,
            loaded() as _loaded_at
        )
        from raw.store_sales_line_items as lines
        where falls($kind, canonical(line_item_id))
        """
    ],
    # as a full load does, which says of every customer what holds today
    "customers changed": [
        """
        update raw.customer_details set
            region = 'Elsewhere',
            segment_id = 'NEW',
            loyalty_status = 'Platinum',
            total_loyalty_points = 999999,
            last_purchase_date = from_the_cut(customer_id, $kind),
            city = 'Elsewhere',
            first_name = 'Somebody else',
            email = 'else@example.org',
            customer_phone = 'ELSE'
        where falls($kind, canonical(customer_id))
        """
    ],
    "customers told anew": [
        _LOAD_OF_WORLDS.format(id="customer_id", rows=_TOLD_CUSTOMERS),
        f"""
        insert into raw.customer_details by name
        select told.* replace (
            'Anew' as region,
            'ANEW' as segment_id,
            case when dice(customer_id, 'since') < 0.5 then before_the_cut(customer_id, $kind)
                else customer_since end as customer_since,
            load_of(customer_id, $kind) as _loaded_at
        )
        from ({_TOLD_CUSTOMERS}) as told
        """,
    ],
    "products changed": [
        """
        update raw.products set product_category = 'Novelties', unit_price = 77,
            product_name = 'Something else that is sold', current_stock_level = -1
        where falls($kind, canonical(product_id))
        """
    ],
    "products told anew": [
        _LOAD_OF_WORLDS.format(id="product_id", rows=_TOLD_PRODUCTS),
        f"""
        insert into raw.products by name
        select told.* replace (
            'Anew' as product_category,
            'Anew' as product_name,
            coalesce(unit_price, 1) * 3 as unit_price,
            load_of(product_id, $kind) as _loaded_at
        )
        from ({_TOLD_PRODUCTS}) as told
        """,
    ],
    "newcomers": [
        _LOAD_OF_WORLDS.format(id="customer_id", rows=_NEW_CUSTOMERS),
        f"""
        insert into raw.customer_details by name
        select customer_id, 'New' as region, load_of(customer_id, $kind) as _loaded_at
        from ({_NEW_CUSTOMERS}) as newcomers
        """,
    ],
    "new products": [
        _LOAD_OF_WORLDS.format(id="product_id", rows=_NEW_PRODUCTS),
        f"""
        insert into raw.products by name
        select product_id, 'New' as product_category, 'New' as product_name, 5 as unit_price,
            load_of(product_id, $kind) as _loaded_at
        from ({_NEW_PRODUCTS}) as new_products
        """,
    ],
    "promotions told": [
        """
        insert into raw.planned_promotions by name
        select
            start_date + cast(floor(60 * dice(name, 'moved')) as integer) - 30 as start_date,
            end_date + 30 as end_date,
            other_name(name, $kind) as name,
            0.5 as expected_lift,
            from_the_cut(name, $kind) as announced_on,
            loaded() as _loaded_at
        from raw.planned_promotions
        where falls($kind, canonical(name))
        """
    ],
    "promotions called off": [
        """
        delete from raw.planned_promotions
        where announced_on >= cut() and falls($kind, canonical(name))
        """
    ],
}
