with

limited as (

    select * from {{ ref('int_drift_limits_set') }}

),

spend as (

    select
        dimension,
        member,
        part_then as spend_then,
        part_now as spend_now,
        if(
            least(part_then, part_now) > 0 and part_then <> part_now,
            (part_now - part_then) / ln(part_now / part_then),
            greatest(least(part_then, part_now), 0)
        ) as mean_spend
    from {{ ref('int_drift_windows_summed') }}
    where weeks_back = 0 and kind = 'money'

),

shop as (

    select
        spend_then as shop_then,
        spend_now as shop_now
    from spend
    where dimension = 'shop'

),

-- a share moves the money of its rows, a price or quantity that of its member by its log, weighed
-- with the logarithmic mean of the money (Ang 2004, Energy Policy 32)
moved as (

    select
        limited.*,
        shop.shop_then,
        spend.spend_now - spend.spend_then as spend_moved,
        case limited.kind
            when 'share' then limited.money_sign
                * shop.shop_now
                * (limited.part_now / limited.whole_now - limited.part_then / limited.whole_then)
                * if(
                    limited.dimension = 'load', limited.whole_now / sum(limited.whole_now) over all_of,
                    1
                )
            when 'mean log' then spend.mean_spend * (limited.scaled_now - limited.scaled_then)
        end as own_spend
    from limited
    cross join shop
    left join spend
        on limited.dimension = spend.dimension
        and limited.member = spend.member
    window all_of as (partition by limited.dimension, limited.measure)

),

-- the count of lines explains what price and quantity leave of its member's change
explained as (

    select
        dimension,
        member,
        measure,
        raw_column,
        case kind
            when 'count' then 'lines'
            when 'share' then 'share of rows'
            else 'times the usual of the product'
        end as unit,
        {%- for value, name in [
            ('then', 'value_then'), ('now', 'value_now'), ('low', 'usual_low'), ('high', 'usual_high')
        ] %}
        case kind
            when 'count' then greatest(exp(scaled_{{ value }}) - 3, 0)
            when 'share'
                then pow(sin(least(greatest(scaled_{{ value }}, 0), pi()) / 2), 2)
            else exp(scaled_{{ value }})
        end as {{ name }},
        {%- endfor %}
        surprise,
        coalesce(scaled_now not between scaled_low and scaled_high, false) as is_unusual,
        coalesce(own_spend, spend_moved - coalesce(sum(own_spend) over of_member, 0))
            as spend_explained,
        shop_then
    from moved
    window of_member as (partition by dimension, member)

)

select * from explained
