-- each numeric feature is finite and inside the minimum and maximum that the contract states
{% set mart = ref('feat_customer_snapshots') %}
{% if execute %}
{% set columns = graph.nodes['model.retail_feature_store.feat_customer_snapshots'].columns %}
{% else %}
{% set columns = {} %}
{% endif %}

with

mart as (

    select * from {{ mart }}

),

checked as (

    {% for name, column in columns.items() if column.config.meta.role == 'feature' %}
    {% set meta = column.config.meta %}
    select
        '{{ name }}' as feature,
        as_of_date,
        customer_id,
        cast({{ name }} as varchar) as feature_value
    from mart
    where not isfinite(cast({{ name }} as double))
    {%- if meta.minimum is defined %} or {{ name }} < {{ meta.minimum }}{% endif %}
    {%- if meta.maximum is defined %} or {{ name }} > {{ meta.maximum }}{% endif %}

    {{ 'union all' if not loop.last }}
    {% else %}
    select 1
    where false
    {% endfor %}

)

select * from checked
