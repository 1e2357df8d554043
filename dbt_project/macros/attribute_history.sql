{% macro attribute_history(checked, loads, id, attributes) %}
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
        {%- for column in attributes %}
        before.earlier_row.{{ column }},
        {%- endfor %}
        before.earlier_row.loaded_at,
        loads.known_on
    from (
        select
            {{ id }},
            first_loaded_at,
            unnest(earlier_rows) as earlier_row
        from checked
    ) as before
    left join {{ loads }} as loads
        on before.earlier_row.loaded_at = loads.loaded_at
    {%- if history %}
    anti join {{ history }} as history
        on before.{{ id }} = history.{{ id }}
        and before.earlier_row.loaded_at <= history.loaded_at
    {%- endif %}
    where loads.known_on is not null or before.earlier_row.loaded_at = before.first_loaded_at
    qualify row_number() over (
        partition by before.{{ id }}, before.earlier_row.loaded_at
        order by before.earlier_row.copy_number
    ) = 1

),

attributed as (

    select
        {{ id }} as word_id,
        {{ id }},
        {{ attributes | join(', ') }},
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

),

worded as (

    select * from attributed

    union all

    select
        {{ id }} || ' overtaken ' || loaded_at as word_id,
        {{ id }},
        {{ attributes | join(', ') }},
        loaded_at,
        known_on
    from overtaken
    {%- if history %}

    union all

    -- what was so before a word that was overtaken and is so again: a snapshot sees no change of it
    select
        attributed.word_id || ' again ' || attributed.loaded_at as word_id,
        attributed.* exclude (word_id)
    from attributed
    semi join overtaken
        on attributed.{{ id }} = overtaken.{{ id }}
    semi join {{ history }} as history
        on attributed.word_id = history.word_id
        and history.dbt_valid_to is null
        {%- for column in attributes %}
        and attributed.{{ column }} is not distinct from history.{{ column }}
        {%- endfor %}
    {%- endif %}

)

select
    * exclude (known_on),
    -- undated, a change is known from the load on, and to no as-of date that is built already
    coalesce(
        known_on, greatest(cast(loaded_at as date), {{ latest_date_built() }})
    ) as changed_on
from worded
{%- endmacro %}
