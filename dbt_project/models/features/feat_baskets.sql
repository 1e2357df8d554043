with

histories as (

    select * from {{ ref('int_histories_windowed') }}

),

computed as (

    select
        customer_id,
        as_of_date,
        {{ ratio('items_360d', 'orders_360d') }} as items_per_order_360d,
        {{ ratio('lines_360d', 'orders_360d') }} as lines_per_order_360d,
        {{ ratio('promoted_360d', 'spend_360d') }} as promotion_share_360d,
        {{ ratio('promoted_lifetime', 'spend_lifetime') }} as promotion_share_lifetime,
        returned_30d as returns_30d,
        returned_360d as returns_360d,
        {{ ratio('returned_lifetime', 'spend_lifetime') }} as returns_share_lifetime,
        categories_lifetime,
        coalesce(leading_category_lifetime.category, 'None') as favourite_category,
        {{ ratio('leading_category_lifetime.spend', 'spend_lifetime') }}
            as favourite_category_share,
        -- Herfindahl index: 1 where all is spent in one category
        {{ ratio('category_squares_lifetime', 'spend_lifetime * spend_lifetime') }}
            as category_concentration
    from histories

)

select * from computed
