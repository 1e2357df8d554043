{{ config(materialized='incremental', incremental_strategy='replace_touched') }}

with

headers as (

    select * from {{ ref('int_headers_checked') }}

),

-- an order that was another's has states of both, whoever of them is touched
lines as (

    select * from {{ ref('int_lines_capped') }}
    {% if is_incremental() %}
    where transaction_id in (select transaction_id from headers where {{ touched('customer_id') }})
    {% endif %}

),

restated as (

    select distinct transaction_id from lines where is_restated

),

-- a restated order has a state from each day on which something of it became known or void
states as (

    select
        transaction_id,
        known_date,
        lead(known_date, 1, {{ end_of_time() }}) over (
            partition by transaction_id order by known_date
        ) as known_until
    from (
        select distinct transaction_id, unnest([known_date, known_until]) as known_date
        from lines
        where transaction_id in (select transaction_id from restated)
    )
    where known_date < {{ end_of_time() }}

),

valid as (

    select * from lines
    where transaction_id not in (select transaction_id from restated)

    union all

    select lines.* replace (states.known_date as known_date, states.known_until as known_until)
    from lines
    inner join states
        on lines.transaction_id = states.transaction_id
        and lines.known_date <= states.known_date
        and lines.known_until >= states.known_until

),

summed as (

    select
        transaction_id,
        customer_id,
        store_id,
        event_date,
        known_date,
        known_until,
        cast(sum(greatest(line_item_amount, 0)) as decimal(18, 4)) as spend,
        cast(-sum(least(line_item_amount, 0)) as decimal(18, 4)) as returned,
        cast(
            coalesce(sum(greatest(line_item_amount, 0)) filter (where promotion_id <> 'NONE'), 0)
            as decimal(18, 4)
        ) as promoted,
        cast(sum(greatest(quantity, 0)) as decimal(18, 3)) as items,
        cast(count_if(line_item_amount > 0) as integer) as lines
    from valid
    group by all

),

totalled as (

    select
        *,
        cast(spend > 0 as integer) as orders,
        -- one point per whole unit of money, promotion lines count double
        cast(floor(spend) + floor(promoted) as bigint) as points
    from summed
    where {{ touched('customer_id') }}

)

select * from totalled
