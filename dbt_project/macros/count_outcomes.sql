{% macro count_outcomes(checked, table_name, money, has_versions=false) %}
    select
        '{{ table_name }}' as table_name,
        case
            when rejected_by is not null then rejected_by
            {%- if has_versions %}
            when known_until < {{ end_of_time() }} then 'superseded'
            {%- endif %}
            else 'kept'
        end as rule,
        case
            when rejected_by is not null then 'quarantined'
            {%- if has_versions %}
            when known_until < {{ end_of_time() }} then 'superseded'
            {%- endif %}
            else 'kept'
        end as outcome,
        count(*) as rows,
        coalesce(sum({{ money }}), 0) as money
    from {{ checked }}
    group by all

    union all

    select
        '{{ table_name }}' as table_name,
        'exact_duplicate' as rule,
        'duplicate' as outcome,
        sum(exact_duplicate_rows) as rows,
        sum(exact_duplicate_money) as money
    from {{ checked }}

    union all

    select
        '{{ table_name }}' as table_name,
        'conflicting_duplicate' as rule,
        'duplicate' as outcome,
        sum(
            duplicate_rows - exact_duplicate_rows{{ ' - superseded_rows' if not has_versions }}
        ) as rows,
        sum(duplicate_money - exact_duplicate_money) as money
    from {{ checked }}
    {%- if not has_versions %}

    union all

    select
        '{{ table_name }}' as table_name,
        'superseded' as rule,
        'superseded' as outcome,
        sum(superseded_rows) as rows,
        0 as money
    from {{ checked }}
    {%- endif %}
{% endmacro %}
