-- each feature is there where the contract does not say nullable, and each numeric one is finite and
-- inside the minimum and maximum that it states
{{ config(where='touched(customer_id) or touched(as_of_date)') }}
{% set mart = ref('feat_customer_snapshots') %}
{% if execute %}
{% set columns = graph.nodes['model.retail_feature_store.feat_customer_snapshots'].columns %}
{% else %}
{% set columns = {} %}
{% endif %}

with

mart as (

    select * from {{ get_where_subquery(mart) }}

),

checked as (

    {% for name, column in columns.items() if column.config.meta.role != 'key' %}
    {% set meta = column.config.meta %}
    select
        '{{ name }}' as feature,
        as_of_date,
        customer_id,
        cast({{ name }} as varchar) as feature_value
    from mart
    where {{ name }} is null and {{ not meta.nullable }}
    {%- if meta.role == 'feature' %} or not isfinite(cast({{ name }} as double)){% endif %}
    {%- if meta.minimum is defined %} or {{ name }} < {{ meta.minimum }}{% endif %}
    {%- if meta.maximum is defined %} or {{ name }} > {{ meta.maximum }}{% endif %}

    {{ 'union all' if not loop.last }}
    {% else %}
    select 1
    where false
    {% endfor %}

)

select * from checked
