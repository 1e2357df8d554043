{% macro versions_known(id, said) -%}
-- of a load that a later one overtook before any build the history knows nothing
overtaken as (

    select
        before.{{ id }},
        {%- for column in said %}
        before.row_said.{{ column }},
        {%- endfor %}
        before.row_said.loaded_at,
        loads.known_on as changed_on,
        before.row_said.copy_number
    from (
        select
            {{ id }},
            first_loaded_at,
            unnest(said_before) as row_said
        from checked
    ) as before
    left join loads
        on before.row_said.loaded_at = loads.loaded_at
    anti join history
        on before.{{ id }} = history.{{ id }}
        and before.row_said.loaded_at = history.loaded_at
    where loads.known_on is not null or before.row_said.loaded_at = before.first_loaded_at
    qualify row_number() over (
        partition by before.{{ id }}, before.row_said.loaded_at
        order by before.row_said.copy_number
    ) = 1

),

said as (

    select
        {{ id }},
        {{ said | join(', ') }},
        loaded_at,
        changed_on,
        dbt_valid_to
    from history

    union all

    select
        {{ id }},
        {{ said | join(', ') }},
        loaded_at,
        changed_on,
        changed_on as dbt_valid_to
    from overtaken

),

numbered as (

    select
        *,
        row_number() over (
            partition by {{ id }}
            order by loaded_at nulls first, changed_on, dbt_valid_to nulls last
        ) as version_number
    from said

),

-- what was first said counts as known all along; a later word counts no earlier than the one before
begun as (

    select
        *,
        coalesce(
            max(case when version_number > 1 then changed_on end) over (
                partition by {{ id }} order by version_number
            ),
            date '0001-01-01'
        ) as valid_from
    from numbered

),

ended as (

    select
        *,
        coalesce(
            lead(valid_from) over (partition by {{ id }} order by version_number), {{ far_date() }}
        ) as valid_until
    from begun

),

versioned as (

    select
        ended.* exclude (loaded_at, changed_on, dbt_valid_to, version_number),
        checked.first_known_on
    from ended
    inner join checked
        on ended.{{ id }} = checked.{{ id }}
    where ended.valid_from < ended.valid_until

)
{%- endmacro %}
