{% snapshot product_history %}
{{ config(
    strategy='check',
    unique_key='word_id',
    check_cols=['product_category', 'unit_price'],
    updated_at='changed_on'
) }}
{{ words_said(
    ref('int_products_checked'), ref('stg_retail__loads'), id='product_id', said=['product_category', 'unit_price']
) }}
{% endsnapshot %}
