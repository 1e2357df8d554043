with

product_days as (

    select * from {{ shop_facts('int_product_days_measured') }}

),

usual as (

    select * from {{ ref('int_product_sizes_usual') }}

),

compared as (

    select
        product_days.*,
        usual.first_day,
        product_days.log_price - usual.usual_log_price as price_shift,
        product_days.log_quantity - usual.usual_log_quantity as quantity_shift,
        -- another quantity for the same money is no other price
        coalesce(abs(price_shift + quantity_shift) < abs(price_shift) / 3, false) as is_quantity
    from product_days
    left join usual
        on product_days.product_id = usual.product_id

),

summed as (

    select
        day,
        sum(lines) as lines,
        sum(money) as money,
        sum(if(product_id is null, lines, 0)) as without_product,
        sum(if(first_day = day, lines, 0)) as of_new_products,
        sum(without_category) as without_category,
        sum(without_amount) as without_amount,
        sum(without_quantity) as without_quantity,
        sum(without_header) as without_header,
        sum(negative) as negative,
        sum(zero) as zero,
        sum(priced) as priced,
        sum(if(price_shift >= ln(20) and not is_quantity, priced, 0)) as too_dear,
        sum(if(price_shift <= -ln(20) and not is_quantity, priced, 0)) as too_cheap,
        sum(if(price_shift >= ln(1.4) and not is_quantity, priced, 0)) as dearer,
        sum(if(price_shift <= -ln(1.4) and not is_quantity, priced, 0)) as cheaper,
        -- dearer and cheaper at once are prices of other products
        least(dearer, cheaper) as mixed_up,
        sum(if(abs(quantity_shift) >= ln(5), priced, 0)) as other_quantity,
        -- a campaign is no other price, and single odd prices do not make the level
        sum(if(promoted = 0, priced, 0)) as listed,
        sum(if(promoted = 0, priced * greatest(least(price_shift, 0.3), -0.3), 0))
        / nullif(listed, 0) as mean_price_shift
    from compared
    group by all

)

select * from summed
