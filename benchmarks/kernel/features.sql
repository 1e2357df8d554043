-- The least SQL from raw tables to the features of customers, for the benchmark alone: no quarantine, no
-- counts, no tests, no history of attributes, only the columns that a feature needs. The expressions for
-- single values are the project's own macros, which dbt compiles; from orders on the project's own
-- models follow, which hold nothing but features.
create or replace table customers as
select
    customer_id,
    arg_min({region: region, segment_id: segment_id, registered: registered}, place) as attributes
from (
    select
        {{ canonical_id('customer_id') }} as customer_id,
        coalesce(nullif(trim(region), ''), nullif(trim(city), ''), 'Unknown') as region,
        coalesce({{ canonical_id('segment_id') }}, 'UNKNOWN') as segment_id,
        case when customer_since <= cast(_loaded_at as date) then customer_since end as registered,
        coalesce({{ clean_label('loyalty_status') }}, 'Unknown') as loyalty,
        row_number() over (order by registered nulls first, region, segment_id, loyalty, registered)
            as place
    from shop.raw.customer_details
)
where customer_id is not null
group by customer_id;

create or replace table products as
select distinct on (product_id) *
from (
    select
        {{ canonical_id('product_id') }} as product_id,
        coalesce({{ clean_label('product_category') }}, 'Unknown') as product_category,
        try_cast(unit_price as decimal(18, 2)) as unit_price,
        nullif(trim({{ repair_encoding('product_name') }}), '') as product_name
    from shop.raw.products
)
where product_id is not null
order by product_id, product_name nulls last, product_category, unit_price;

create or replace table headers as
with

typed as (

    select
        {{ canonical_id('transaction_id') }} as transaction_id,
        {{ canonical_id('customer_id') }} as customer_id,
        coalesce({{ canonical_id('store_id') }}, 'UNKNOWN') as store_id,
        {{ read_date('transaction_date', 'transaction_date_text') }} as event_date,
        recorded_at,
        cast(recorded_at as date) as recorded_date,
        greatest(
            cast(recorded_at as date), {{ read_date('transaction_date', 'transaction_date_text') }}
        ) as known_date,
        total_amount,
        cast(_loaded_at as date) as loaded_date
    from shop.raw.store_sales_header
    where transaction_id is not null

),

{{ version_rows(
    'transaction_id', 'customer_id, store_id, event_date, total_amount',
    'known_date', 'last', 'recorded_at', '0'
) }},

accepted as (

    select
        kept.* exclude (
            recorded_at, recorded_date, total_amount, loaded_date, duplicate_rows,
            exact_duplicate_rows, duplicate_money, exact_duplicate_money
        ),
        null as rejected_by
    from kept
    inner join customers
        on kept.customer_id = customers.customer_id
    where kept.event_date >= date '{{ var("earliest_date") }}'
        and coalesce(kept.event_date <= kept.recorded_date + 1, true)
        and kept.known_date <= kept.loaded_date + 1
        and coalesce(kept.event_date >= customers.attributes.registered, true)

),

{{ close_versions('accepted', 'transaction_id') }}

select * from ended;

create or replace table lines as
with

spelt as (

    select
        *,
        upper(trim(promotion_id)) as promotion_label
    from shop.raw.store_sales_line_items
    where line_item_id is not null

),

typed as (

    select
        {{ canonical_id('line_item_id') }} as line_item_id,
        {{ canonical_id('transaction_id') }} as transaction_id,
        {{ canonical_id('product_id') }} as product_id,
        case
            when promotion_label in ('', 'N/A', 'NA', 'NONE', 'NULL', '-') then 'NONE'
            else coalesce(promotion_label, 'NONE')
        end as promotion_id,
        try_cast(quantity as decimal(18, 3)) as quantity,
        {{ read_money('line_item_amount', 'line_item_amount_text') }} as line_item_amount,
        recorded_at,
        cast(recorded_at as date) as recorded_date,
        cast(_loaded_at as date) as loaded_date
    from spelt

),

{{ version_rows(
    'line_item_id',
    'transaction_id, product_id, promotion_id, quantity, line_item_amount',
    'recorded_date', 'first', 'recorded_at', '0'
) }},

joined as (

    select
        kept.line_item_id,
        kept.version_number,
        kept.versions,
        headers.transaction_id,
        headers.customer_id,
        headers.store_id,
        headers.event_date,
        products.product_category,
        kept.promotion_id <> 'NONE' as is_promoted,
        greatest(headers.known_date, kept.recorded_date) as known_date,
        headers.versions as header_versions,
        coalesce(kept.recorded_date > headers.known_date, false) as is_after_header,
        coalesce(
            kept.quantity,
            round(kept.line_item_amount / nullif(products.unit_price, 0), 0),
            sign(kept.line_item_amount)
        ) as quantity,
        cast(
            coalesce(kept.line_item_amount, round(kept.quantity * products.unit_price, 2))
            as decimal(18, 4)
        ) as line_item_amount,
        null as rejected_by
    from kept
    inner join headers
        on kept.transaction_id = headers.transaction_id
        and headers.is_first
    inner join products
        on kept.product_id = products.product_id
    where greatest(headers.known_date, kept.recorded_date) <= kept.loaded_date + 1

),

accepted as (

    select * from joined
    where line_item_amount is not null and coalesce(quantity * line_item_amount >= 0, true)

),

{{ close_versions('accepted', 'line_item_id') }}

select * exclude (version_number, rejected_by, is_first, is_latest) from ended;

create schema if not exists intermediate;

create or replace view intermediate.int_lines_checked as
select *, null as rejected_by from lines;

create or replace table intermediate.int_lines_capped as
with

dated as (

    select * exclude (line_item_id) from lines
    where header_versions = 1

    union all

    select
        lines.* exclude (line_item_id) replace (
            headers.customer_id as customer_id,
            headers.store_id as store_id,
            headers.event_date as event_date,
            greatest(headers.known_date, lines.known_date) as known_date,
            least(headers.known_until, lines.known_until) as known_until
        )
    from lines
    inner join headers
        on lines.transaction_id = headers.transaction_id
    where lines.header_versions > 1

)

select
    dated.transaction_id,
    dated.customer_id,
    dated.store_id,
    dated.product_category,
    dated.is_promoted,
    dated.event_date,
    dated.known_date,
    dated.known_until,
    dated.versions > 1 or dated.header_versions > 1 or dated.is_after_header as is_restated,
    greatest(least(dated.line_item_amount, caps.amount_cap), -caps.amount_cap) as line_item_amount,
    cast(sign(dated.quantity) * least(abs(dated.quantity), caps.quantity_cap) as decimal(18, 3))
        as quantity
from dated
left join intermediate.int_line_caps_set as caps
    on date_trunc('month', dated.event_date) = caps.event_month
where dated.known_date < dated.known_until;

create or replace table intermediate.int_orders_totalled as
with

restated as (

    select distinct transaction_id from intermediate.int_lines_capped
    where is_restated

),

states as (

    select
        transaction_id,
        known_date,
        lead(known_date, 1, {{ end_of_time() }}) over (
            partition by transaction_id
            order by known_date
        ) as known_until
    from (
        select transaction_id, known_date from intermediate.int_lines_capped semi join restated using (transaction_id)
        union
        select transaction_id, known_until from intermediate.int_lines_capped
        semi join restated using (transaction_id)
        where known_until < {{ end_of_time() }}
    )

),

valid as (

    select * from intermediate.int_lines_capped anti join restated using (transaction_id)

    union all

    select known_lines.* replace (
        states.known_date as known_date, states.known_until as known_until
    )
    from intermediate.int_lines_capped as known_lines
    inner join states
        on known_lines.transaction_id = states.transaction_id
        and known_lines.known_date <= states.known_date
        and known_lines.known_until >= states.known_until

)

select
    transaction_id,
    customer_id,
    store_id,
    event_date,
    known_date,
    known_until,
    cast(sum(greatest(line_item_amount, 0)) as decimal(18, 4)) as spend,
    cast(-sum(least(line_item_amount, 0)) as decimal(18, 4)) as returned,
    cast(sum(case when is_promoted then greatest(line_item_amount, 0) else 0 end) as decimal(18, 4))
        as promoted,
    cast(sum(greatest(quantity, 0)) as decimal(18, 3)) as items,
    cast(count_if(line_item_amount > 0) as integer) as lines,
    cast(spend > 0 as integer) as orders,
    cast(floor(spend) + floor(promoted) as bigint) as points
from valid
group by all;

create or replace view intermediate.int_customers_versioned as
select
    customer_id,
    attributes.region,
    attributes.segment_id,
    attributes.registered as registered_date,
    cast(null as date) as first_known_on,
    date '0001-01-01' as valid_from,
    {{ end_of_time() }} as valid_until
from customers;
