{% macro words_said(checked, loads, id, said) %}
    {%- set history = adapter.get_relation(this.database, this.schema, this.identifier) if execute %}
with

checked as (

    select * from {{ checked }}
    where rejected_by is null

),

-- what a load said that a later one overtook before any build
overtaken as (

    select
        before.{{ id }},
        {%- for column in said %}
        before.row_said.{{ column }},
        {%- endfor %}
        before.row_said.loaded_at,
        loads.known_on
    from (
        select
            {{ id }},
            first_loaded_at,
            unnest(said_before) as row_said
        from checked
    ) as before
    left join {{ loads }} as loads
        on before.row_said.loaded_at = loads.loaded_at
    {%- if history %}
    anti join {{ history }} as history
        on before.{{ id }} = history.{{ id }}
        and before.row_said.loaded_at <= history.loaded_at
    {%- endif %}
    where loads.known_on is not null or before.row_said.loaded_at = before.first_loaded_at
    qualify row_number() over (
        partition by before.{{ id }}, before.row_said.loaded_at
        order by before.row_said.copy_number
    ) = 1

),

said as (

    select
        {{ id }} as word_id,
        {{ id }},
        {{ said | join(', ') }},
        loaded_at,
        {%- if history %}
        -- a load is dated once: what has changed in its rows since came from elsewhere
        case
            when loaded_at not in (select history.loaded_at from {{ history }} as history) then known_on
        end as known_on
        {%- else %}
        known_on
        {%- endif %}
    from checked

    union all

    select
        {{ id }} || ' overtaken ' || loaded_at as word_id,
        {{ id }},
        {{ said | join(', ') }},
        loaded_at,
        known_on
    from overtaken

)

select
    * exclude (known_on),
    -- undated, a change is known from the load on, and to no as-of date that is built already
    coalesce(
        known_on, greatest(cast(loaded_at as date), {{ latest_date_built() }})
    ) as changed_on
from said
{%- endmacro %}
