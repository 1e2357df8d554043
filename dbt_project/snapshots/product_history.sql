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
    -- undated, a change is known from the load on, and to no as-of date that is built already
    coalesce(
        known_on, greatest(cast(loaded_at as date), {{ latest_date_built() }})
    ) as changed_on
from {{ ref('int_products_checked') }}
where rejected_by is null
{% endsnapshot %}
