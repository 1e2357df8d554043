{{ config(post_hook="{{ create_as_of_function('shop_as_of') }}") }}

with

dates as (

    select * from {{ ref('feat_season') }}

)

select * from dates
