with

source as (

    select * from {{ source('retail', 'products') }}

),

spelt as (

    select
        *,
        {{ clean_label('product_category') }} as category_label
    from source

),

typed as (

    select
        {{ canonical_id('product_id') }} as product_id,
        nullif(trim({{ repair_encoding('product_name') }}), '') as product_name,
        coalesce(category_label, 'Unknown') as product_category,
        try_cast(unit_price as decimal(18, 2)) as unit_price,
        category_label is null as is_category_imputed,
        -- the spelling that arrived differs from the one that is kept
        coalesce(category_label <> product_category, false) as is_category_respelt,
        coalesce(product_name <> {{ repair_encoding('product_name') }}, false)
            as is_name_recoded,
        {{ is_id_respelt(['product_id']) }} as is_id_respelt,
        _loaded_at as loaded_at
    from spelt

),

-- the newest load knows best; the history keeps what earlier ones said
{{ keep_one_row(
    id='product_id', key='product_key', first_by='product_name nulls last',
    attributes=['product_category', 'unit_price']
) }}

select * from deduplicated
