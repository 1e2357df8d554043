with

history as (

    select * from {{ ref('product_history') }}

),

-- what is said of a product, until a later load says something else
words as (

    select
        product_category,
        loaded_at,
        lead(loaded_at) over following as next_loaded_at,
        lead(changed_on) over following as next_changed_on,
        lead(product_category) over following as next_category
    from history
    window following as (
        partition by product_id
        order by loaded_at, changed_on
    )

),

loads as (

    select distinct next_loaded_at as loaded_at
    from words
    where next_category <> product_category

),

-- the products that a category had when the load came, and those that it took away
counted as (

    select
        loads.loaded_at,
        words.product_category,
        count(*) as products,
        count(*) filter (
            where words.next_loaded_at = loads.loaded_at
                and words.next_category <> words.product_category
        ) as moved,
        mode(words.next_category) filter (where words.next_loaded_at = loads.loaded_at)
            as new_category,
        max(words.next_changed_on) filter (where words.next_loaded_at = loads.loaded_at) as day
    from loads
    inner join words
        on loads.loaded_at > words.loaded_at
        and loads.loaded_at <= coalesce(words.next_loaded_at, loads.loaded_at)
    group by all

),

renamed as (

    select
        loaded_at,
        day,
        'products' as table_name,
        'product_category' as column_name,
        if(new_category = 'Unknown', 'nulls_jump', 'category_renamed') as sign,
        products - moved as seen,
        products as expected,
        product_category || if(new_category = 'Unknown', '', ', now ' || new_category) as what
    from counted
    where product_category <> 'Unknown'
        and products >= 3
        and moved >= 0.8 * products

)

select * from renamed
