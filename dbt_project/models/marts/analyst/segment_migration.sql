with

compared as (

    select * from {{ ref('int_forecasts_compared') }}

),

known as (

    select * from {{ ref('int_customers_known') }}

),

-- as it was said by the date
said as (

    select
        compared.*,
        coalesce(earlier.segment_id, 'UNKNOWN') as segment_then,
        coalesce(newest.segment_id, 'UNKNOWN') as segment_now,
        coalesce(earlier.region, 'Unknown') as region_then,
        coalesce(newest.region, 'Unknown') as region_now
    from compared
    left join known as earlier
        on compared.customer_id = earlier.customer_id
        and compared.compared_with > earlier.valid_from
        and compared.compared_with <= earlier.valid_until
    left join known as newest
        on compared.customer_id = newest.customer_id
        and compared.as_of_date > newest.valid_from
        and compared.as_of_date <= newest.valid_until

),

stacked as (
    {%- for kind in ['segment', 'region', 'decile'] %}

    select
        *,
        '{{ kind }}' as set_kind,
        if(expected_spend_then is null, 'new', cast({{ kind }}_then as varchar)) as from_set,
        if(expected_spend_now is null, 'gone', cast({{ kind }}_now as varchar)) as to_set
    from said
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

counted as (

    select
        days_before,
        as_of_date,
        compared_with,
        set_kind,
        from_set,
        to_set,
        count(*) as customers,
        coalesce(sum(expected_spend_then), 0) as expected_spend_then,
        coalesce(sum(expected_spend_now), 0) as expected_spend_now
    from stacked
    group by all

)

select * from counted
