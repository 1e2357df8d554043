{% snapshot product_history %}
{{ config(
    strategy='check',
    unique_key='product_id',
    check_cols=['product_category', 'unit_price'],
    updated_at='changed_on'
) }}
select
    product_id,
    product_category,
    unit_price,
    loaded_at,
    {{ changed_on() }} as changed_on
from {{ ref('int_products_checked') }}
where rejected_by is null
{% endsnapshot %}
