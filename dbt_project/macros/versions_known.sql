{% macro versions_known(id, said, said_once=[]) -%}
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
        {%- for column in said_once %}
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

said as (

    select
        {{ id }},
        {{ said | join(', ') }},
        begun_on,
        ended_on
    from ended

    union all

    select
        {{ id }},
        {{ said | join(', ') }},
        null as begun_on,
        null as ended_on
    from history
    anti join repeated
        on history.{{ id }} = repeated.{{ id }}

),

-- what was first said counts as known all along
versioned as (

    select
        said.* exclude (begun_on, ended_on),
        checked.first_known_on,
        coalesce(said.begun_on, date '0001-01-01') as valid_from,
        coalesce(said.ended_on, {{ far_date() }}) as valid_until
    from said
    inner join checked
        on said.{{ id }} = checked.{{ id }}
    where said.begun_on is null or said.begun_on is distinct from said.ended_on

)
{%- endmacro %}
