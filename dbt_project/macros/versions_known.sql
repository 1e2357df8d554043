{% macro versions_known(id, attributes, fixed_attributes=[]) -%}
-- few have more than one version: the others need no order
repeated as (

    select {{ id }}
    from history
    group by all
    having count(*) > 1

),

numbered as (

    select
        history.*
        {%- for column in fixed_attributes %}
        {{ 'replace (' if loop.first }}first_value({{ column }}) over versions as {{ column }}{{ ')' if loop.last else ',' }}
        {%- endfor %},
        row_number() over versions as version_number
    from history
    semi join repeated
        on history.{{ id }} = repeated.{{ id }}
    window versions as (
        partition by {{ id }} order by loaded_at, changed_on, dbt_valid_to nulls last
    )

),

-- a later word counts no earlier than the one before
begun as (

    select
        *,
        max(case when version_number > 1 then changed_on end) over (
            partition by {{ id }} order by version_number
        ) as begun_on
    from numbered

),

ended as (

    select
        *,
        lead(begun_on) over (partition by {{ id }} order by version_number) as ended_on
    from begun

),

dated as (

    select
        {{ id }},
        {{ attributes | join(', ') }},
        begun_on,
        ended_on
    from ended

    union all

    select
        {{ id }},
        {{ attributes | join(', ') }},
        null as begun_on,
        null as ended_on
    from history
    anti join repeated
        on history.{{ id }} = repeated.{{ id }}

),

-- what was first said counts as known all along
versioned as (

    select
        dated.* exclude (begun_on, ended_on),
        checked.first_known_on,
        coalesce(dated.begun_on, date '0001-01-01') as valid_from,
        coalesce(dated.ended_on, {{ end_of_time() }}) as valid_until
    from dated
    inner join checked
        on dated.{{ id }} = checked.{{ id }}
    where dated.begun_on is null or dated.begun_on is distinct from dated.ended_on

)
{%- endmacro %}
