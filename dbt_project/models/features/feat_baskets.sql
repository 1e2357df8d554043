with

histories as (

    select * from {{ ref('int_customer_windows') }}

),

computed as (

    select
        customer_id,
        as_of_date,
        {{- windows_of(['promoted']) }}
        {{ ratio('items_360d', 'orders_360d') }} as items_per_order_360d,
        {{ ratio('lines_360d', 'orders_360d') }} as lines_per_order_360d,
        {{ ratio('promoted_90d', 'spend_90d') }} as promotion_share_90d,
        {{ ratio('promoted_360d', 'spend_360d') }} as promotion_share_360d,
        {{ ratio('promoted_lifetime', 'spend_lifetime') }} as promotion_share_lifetime,
        returned_30d as returns_30d,
        returned_90d as returns_90d,
        returned_360d as returns_360d,
        {{ ratio('returned_360d', 'spend_360d') }} as returns_share_360d,
        {{ ratio('returned_lifetime', 'spend_lifetime') }} as returns_share_lifetime,
        as_of_date - last_return_date as days_since_last_return,
        cast(categories as bigint) as categories_lifetime,
        case
            when categories > 0 then leading_category.category else 'None'
        end as favourite_category,
        case
            when categories > 0 then {{ ratio('leading_category.spend', 'spend_lifetime') }} else 0
        end as favourite_category_share,
        -- Herfindahl index: 1 where all is spent in one category
        {{ ratio('category_squares', 'cast(spend_lifetime as decimal(38, 4)) * spend_lifetime') }}
            as category_concentration
    from histories

)

select * from computed
