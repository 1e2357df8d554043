{{ config(post_hook="{{ create_as_of_function('shop_as_of') }}") }}

with

season as (

    select * from {{ ref('feat_season') }}

),

promotions as (

    select * from {{ ref('feat_promotions') }}

),

joined as (

    select
        season.*,
        promotions.* exclude (as_of_date)
    from season
    inner join promotions
        on season.as_of_date = promotions.as_of_date

)

select * from joined
