with

compared as (

    select * from {{ ref('int_forecasts_compared') }}
    where own_change is not null

),

mart as (

    select * from {{ ref('feat_customer_snapshots') }}

),

-- what reasons speak of stands for the others
stacked as (

    select
        compared.days_before,
        compared.customer_id,
        unnest([
            {%- for feature in contract_features() if feature.is_in_words %}
            {
                'feature': '{{ feature.name }}',
                'value_then': cast(earlier.{{ feature.name }} as double),
                'value_now': cast(newest.{{ feature.name }} as double)
            }{{ ',' if not loop.last }}
            {%- else %}
            { 'feature': 'none', 'value_then': 0e0, 'value_now': 0e0 }
            {%- endfor %}
        ], recursive := true)
    from compared
    inner join mart as newest
        on compared.customer_id = newest.customer_id
        and compared.as_of_date = newest.as_of_date
    inner join mart as earlier
        on compared.customer_id = earlier.customer_id
        and compared.compared_with = earlier.as_of_date

),

-- beside how far it moves from customer to customer: days, orders and money have one measure then
measured as (

    select
        *,
        (value_now - value_then - avg(value_now - value_then) over alike)
        / nullif(stddev(value_now - value_then) over alike, 0) as deviations
    from stacked
    window alike as (partition by days_before, feature)

),

largest as (

    select
        days_before,
        customer_id,
        feature,
        format('{} {:.6g}, was {:.6g}', feature, value_now, value_then) as reason
    from measured
    where value_now <> value_then
    qualify row_number() over (
        partition by days_before, customer_id
        order by abs(deviations) desc, feature
    ) = 1

)

select * from largest
