{% snapshot customer_history %}
{{ config(
    strategy='check',
    unique_key='word_id',
    check_cols=['region', 'segment_id', 'registered_date'],
    updated_at='changed_on'
) }}
{{ attribute_history(
    ref('int_customers_checked'), ref('stg_retail__loads'), id='customer_id', attributes=['region', 'segment_id', 'registered_date']
) }}
{% endsnapshot %}
