with

history as (

    select * from {{ ref('product_history') }}

),

{{ labels_moved('product_id', 'product_category') }},

renamed as (

    select
        loaded_at,
        day,
        'products' as table_name,
        'product_category' as column_name,
        if(new_label = 'Unknown', 'nulls_jump', 'category_renamed') as sign,
        members - moved as seen,
        members as expected,
        product_category || if(new_label = 'Unknown', '', ', now ' || new_label) as what
    from counted
    where product_category <> 'Unknown'
        and members >= 3
        and moved >= 0.8 * members

)

select * from renamed
