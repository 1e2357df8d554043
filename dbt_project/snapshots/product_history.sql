{% snapshot product_history %}
{{ config(
    strategy='check',
    unique_key='word_id',
    check_cols=['product_category', 'unit_price'],
    updated_at='changed_on'
) }}
{{ attribute_history(
    ref('int_products_checked'), ref('stg_retail__loads'), id='product_id', attributes=['product_category', 'unit_price']
) }}
{% endsnapshot %}
