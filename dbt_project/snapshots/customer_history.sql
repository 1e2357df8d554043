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
    -- undated, a change is known from the load on, and to no as-of date that is built already
    coalesce(
        known_on, greatest(cast(loaded_at as date), {{ latest_date_built() }})
    ) as changed_on
from {{ ref('int_customers_checked') }}
where rejected_by is null
{% endsnapshot %}
