{% macro versions_known(id, said) -%}
numbered as (

    select
        {{ id }},
        {{ said | join(', ') }},
        changed_on,
        row_number() over (
            partition by {{ id }}
            order by loaded_at, changed_on, dbt_valid_to nulls last
        ) as version_number
    from history

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
        ended.* exclude (changed_on, version_number),
        checked.first_known_on
    from ended
    inner join checked
        on ended.{{ id }} = checked.{{ id }}
    where ended.valid_from < ended.valid_until

)
{%- endmacro %}
