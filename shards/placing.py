"""Which rows must lie together, as SQL that DuckDB and Spark read alike.

A customer's rows lie together. So do all rows of an order and of a line, and with them all
customers that the order, or the orders that the line, ever belonged to: those are *tied*.
"""

from __future__ import annotations

# raw tables that every shard has whole
WHOLE = ("products", "loads")
# what the driver alone reads, where the shop has it: the features of dates are made there
PLANNED = "planned_promotions"

# what builds keep of customers and products, in schema `history`: by customer, and whole
CUSTOMER_HISTORY, PRODUCT_HISTORY = "customer_history", "product_history"

# of the tables `header_ids` (order_id, customer_id) and `line_ids` (line_id, order_id); each step
# makes the table that it is named after
STEPS: dict[str, str] = {
    "order_customers": """
        select order_id, customer_id
        from header_ids
        where order_id is not null and customer_id is not null
        group by order_id, customer_id
    """,
    # who an order goes with; without a customer it stands for itself
    "order_owners": """
        select order_id, concat('customer ', min(customer_id)) as owner, count(*) as customers
        from order_customers
        group by order_id
    """,
    "moved_lines": """
        select line_id
        from line_ids
        where line_id is not null and order_id is not null
        group by line_id
        having min(order_id) <> max(order_id)
    """,
    "line_owners": """
        select
            line_ids.line_id,
            coalesce(order_owners.owner, concat('order ', line_ids.order_id)) as owner
        from line_ids
        inner join moved_lines on line_ids.line_id = moved_lines.line_id
        left join order_owners on line_ids.order_id = order_owners.order_id
        where line_ids.order_id is not null
        group by all
    """,
    "ties": """
        select
            concat('customer ', order_customers.customer_id) as one,
            order_owners.owner as other,
            concat('order ', order_customers.order_id) as tied_by
        from order_customers
        inner join order_owners on order_customers.order_id = order_owners.order_id
        where order_owners.customers > 1
        union all
        select
            line_owners.owner as one,
            firsts.owner as other,
            concat('line ', line_owners.line_id) as tied_by
        from line_owners
        inner join (
            select line_id, min(owner) as owner from line_owners group by line_id
        ) as firsts on line_owners.line_id = firsts.line_id
    """,
    # a line that does not say its order goes where its other rows are
    "loose_lines": """
        select
            line_ids.line_id,
            min(coalesce(order_owners.owner, concat('order ', line_ids.order_id))) as owner
        from line_ids
        inner join (
            select line_id from line_ids where order_id is null and line_id is not null
            group by line_id
        ) as loose on line_ids.line_id = loose.line_id
        left join order_owners on line_ids.order_id = order_owners.order_id
        where line_ids.order_id is not null
        group by line_ids.line_id
    """,
}

# what a raw row goes with; those without any id lie together, as some say the same
OWNERS: dict[str, str] = {
    "customer_details": """
        select
            {rows}.*,
            concat('customer ', coalesce({rows}.customer_key, 'without an id')) as owner
        from {rows}
    """,
    "store_sales_header": """
        select
            {rows}.*,
            case
                when {rows}.order_key is not null
                    then coalesce(order_owners.owner, concat('order ', {rows}.order_key))
                when {rows}.customer_key is not null then concat('customer ', {rows}.customer_key)
                else 'rows without an id'
            end as owner
        from {rows}
        left join order_owners on {rows}.order_key = order_owners.order_id
    """,
    "store_sales_line_items": """
        select
            {rows}.*,
            case
                when {rows}.order_key is not null
                    then coalesce(order_owners.owner, concat('order ', {rows}.order_key))
                when {rows}.line_key is not null
                    then coalesce(loose_lines.owner, concat('line ', {rows}.line_key))
                else 'rows without an id'
            end as owner
        from {rows}
        left join order_owners on {rows}.order_key = order_owners.order_id
        left join loose_lines on {rows}.line_key = loose_lines.line_id
    """,
}
# the ids that a row is placed by, beside its own columns
KEYS: dict[str, dict[str, str]] = {
    "customer_details": {"customer_key": "customer_id"},
    "store_sales_header": {"order_key": "transaction_id", "customer_key": "customer_id"},
    "store_sales_line_items": {"line_key": "line_item_id", "order_key": "transaction_id"},
}
