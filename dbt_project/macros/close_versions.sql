{% macro close_versions(relation, key) -%}
-- a rejected version never takes effect; one that does ends the one before it
ended as (

    select
        *,
        {{ end_of_time() }} as known_until,
        true as is_first,
        true as is_latest
    from {{ relation }}
    where versions = 1

    union all

    select
        *,
        -- what names a newcomer, or a late header, is known with it, maybe after a version said later
        coalesce(
            min(known_date) over (
                partition by {{ key }}, rejected_by is null
                order by version_number
                rows between 1 following and unbounded following
            ),
            {{ end_of_time() }}
        ) as known_until,
        row_number() over (
            partition by {{ key }}
            order by rejected_by is not null, known_date, version_number
        ) = 1 as is_first,
        row_number() over (
            partition by {{ key }}
            order by rejected_by is not null, version_number desc
        ) = 1 as is_latest
    from {{ relation }}
    where versions > 1

)
{%- endmacro %}
