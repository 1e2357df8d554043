with

drift as (

    select * from {{ ref('forecast_drift') }}
    where is_unusual

),

-- ten stores that move together are one alarm, of the store that surprises most
grouped as (

    select
        as_of_date,
        dimension,
        measure,
        case
            when value_now > usual_high then true
            when value_now < usual_low then false
        end as is_above,
        count(*) as members,
        min_by(message, unusual_place) as first_message,
        min_by(coalesce(raw_column, member), unusual_place) as about,
        sum(abs(money_explained)) as money
    from drift
    group by all

),

raised as (

    select
        'drift' as alarm_kind,
        case
            when dimension = 'forecast' then 'forecast_drift'
            when measure = 'lines' and dimension = 'shop'
                then if(is_above, 'demand_rose', 'demand_fell')
            when measure = 'lines' then dimension || if(is_above, '_rose', '_fell')
            when measure = 'unit price' then 'price_drift'
            when measure = 'quantity' then 'quantity_drift'
            when measure = 'missing' then 'values_missing'
            when measure = 'filled' then 'promotions_drift'
            else 'orders_repeated'
        end as cause,
        'warn' as severity,
        as_of_date as since,
        dimension || ': ' || about as about,
        money,
        first_message || if(members > 1, format('; and {} more', members - 1), '') as message
    from grouped

)

select * from raised
