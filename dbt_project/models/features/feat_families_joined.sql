{%- set families = var('feature_families') -%}
with

{% for family in families -%}
{{ family }} as (

    select * from {{ ref(family) }}

),

{% endfor -%}

joined as (

    select
        {%- for family in families %}
        {{ family }}.*{{ ' exclude (customer_id, as_of_date)' if not loop.first }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ families[0] }}
    {%- for family in families[1:] %}
    inner join {{ family }}
        on {{ families[0] }}.customer_id = {{ family }}.customer_id
        and {{ families[0] }}.as_of_date = {{ family }}.as_of_date
    {%- endfor %}
    -- sorted rows are found faster; and where families read one CTE on both sides of a join, DuckDB 2.0
    -- waits for ever if a limit stops it before it is through
    order by {{ families[0] }}.as_of_date, {{ families[0] }}.customer_id

)

select * from joined
