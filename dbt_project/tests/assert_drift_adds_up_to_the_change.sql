-- each dimension explains the whole change of the total forecast, in money
with

drift as (

    select * from {{ ref('forecast_drift') }}

),

summed as (

    select
        dimension,
        sum(money_explained) as money_explained,
        sum(abs(money_explained)) as size
    from drift
    group by all

),

forecast as (

    select money_explained as change
    from summed
    where dimension = 'forecast'

)

select *
from summed
cross join forecast
where abs(money_explained - change) > 1e-6 * greatest(size, 1)
