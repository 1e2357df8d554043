with

compared as (

    select * from {{ ref('int_forecasts_compared') }}
    where own_change is not null

),

reasons as (

    select
        *,
        -- the number at its end is the effect, which is told apart
        regexp_replace(sentence, ': [+-][0-9,.]+$', '') as words
    from {{ ref('stg_scoring__prediction_reasons') }}

),

moved as (

    select
        compared.days_before,
        compared.customer_id,
        reasons.driver,
        sum(if(reasons.as_of_date = compared.as_of_date, reasons.effect, -reasons.effect))
            as effect_change,
        any_value(reasons.words) filter (reasons.as_of_date = compared.as_of_date) as words_now,
        any_value(reasons.words) filter (reasons.as_of_date = compared.compared_with) as words_then
    from compared
    inner join reasons
        on compared.customer_id = reasons.customer_id
        and (compared.as_of_date = reasons.as_of_date or compared.compared_with = reasons.as_of_date)
    group by all
    having count(*) = 2

),

summed as (

    select
        *,
        sum(effect_change) over (partition by days_before, customer_id) as change
    from moved

),

-- of a fall what fell most, of a rise what rose most
largest as (

    select
        days_before,
        customer_id,
        driver,
        effect_change,
        coalesce(words_now, driver) || coalesce(' (was: ' || words_then || ')', '')
        || if(effect_change < 0, ': ', ': +') || format('{:,.2f}', effect_change) as reason
    from summed
    qualify row_number() over (
        partition by days_before, customer_id
        order by effect_change * sign(change) desc, driver
    ) = 1

)

select * from largest
