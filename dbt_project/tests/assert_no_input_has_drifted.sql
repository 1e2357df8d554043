-- a warning: what drifts is the shop itself as often as an error in its files, so somebody has to look
{{ config(severity='warn') }}

with

drift as (

    select * from {{ ref('forecast_drift') }}

)

select
    unusual_place,
    message,
    money_explained
from drift
where is_unusual
