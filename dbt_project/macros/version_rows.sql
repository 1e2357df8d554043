{% macro version_rows(id, content, day, first_day, moment, money) -%}
-- few ids have more than one row: the others need no order
repeated as (

    select hash({{ id }}) as id_hash
    from typed
    group by id_hash
    having count(*) > 1

),

several as (

    select
        typed.*,
        row({{ content }}) as content,
        row_number() over (
            partition by {{ id }}, {{ day }}
            order by {{ moment }} desc nulls last, {{ content }}, typed
        ) as place_in_day
    from typed
    where hash({{ id }}) in (select id_hash from repeated)

),

-- the last row of a day speaks for the day; it is a version if it says something new
compared as (

    select
        *,
        (
            place_in_day = 1 and content is distinct from lag(content) over (
                partition by {{ id }}, place_in_day = 1
                order by {{ day }} nulls {{ first_day }}
            )
        ) as is_version
    from several

),

numbered as (

    select
        *,
        count(*) filter (where is_version) over (
            partition by {{ id }}
            order by {{ day }} nulls {{ first_day }}, place_in_day
        ) as version_number
    from compared

),

dropped as (

    select
        {{ id }},
        version_number,
        count(*) - 1 as duplicate_rows,
        count(*) filter (where not is_version and content = version_content)
            as exact_duplicate_rows,
        coalesce(sum({{ money }}) filter (where not is_version), 0) as duplicate_money,
        coalesce(
            sum({{ money }}) filter (where not is_version and content = version_content), 0
        ) as exact_duplicate_money
    from (
        select
            *,
            first_value(content) over (
                partition by {{ id }}, version_number
                order by {{ day }} nulls {{ first_day }}, place_in_day
            ) as version_content
        from numbered
    )
    group by all

),

versioned as (

    select
        numbered.* exclude (content, place_in_day, is_version),
        count(*) over (partition by numbered.{{ id }}) as versions,
        dropped.duplicate_rows,
        dropped.exact_duplicate_rows,
        dropped.duplicate_money,
        dropped.exact_duplicate_money
    from numbered
    inner join dropped
        on numbered.{{ id }} = dropped.{{ id }}
        and numbered.version_number = dropped.version_number
    where numbered.is_version

),

kept as not materialized (

    select
        typed.*,
        1 as version_number,
        1 as versions,
        0 as duplicate_rows,
        0 as exact_duplicate_rows,
        0 as duplicate_money,
        0 as exact_duplicate_money
    from typed
    where hash({{ id }}) not in (select id_hash from repeated)

    union all by name

    select * from versioned

)
{%- endmacro %}
