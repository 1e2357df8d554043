{% snapshot customer_history %}
{{ config(
    strategy='check',
    unique_key='customer_id',
    check_cols=['region', 'segment_id', 'registered_date'],
    updated_at='changed_on'
) }}
select
    customer_id,
    region,
    segment_id,
    registered_date,
    loaded_at,
    {{ changed_on() }} as changed_on
from {{ ref('int_customers_checked') }}
where rejected_by is null
{% endsnapshot %}
