with

source as (

    select * from {{ source('retail', 'products') }}

),

typed as (

    select
        {{ canonical_id('product_id') }} as product_id,
        nullif(trim(product_name), '') as product_name,
        coalesce({{ clean_label('product_category') }}, 'Unknown') as product_category,
        try_cast(unit_price as decimal(18, 2)) as unit_price,
        {{ clean_label('product_category') }} is null as is_category_imputed,
        -- the spelling that arrived differs from the one that is kept
        {{ clean_label('product_category') }} is distinct from product_category
        and {{ clean_label('product_category') }} is not null as is_category_respelt
    from source

),

{{ keep_first_known(id='product_id', key='product_key', known='product_name', money='0') }}

select * from deduplicated
