{% macro keep_first_known(id, key, first_by, money) -%}
numbered as (

    select
        typed.*,
        -- what a row says; how it was written (is_...) makes no copy a conflict
        hash(*columns(lambda name: not starts_with(name, 'is_'))) as row_hash,
        {{ money }} as row_money,
        row_number() over (partition by {{ id }} order by {{ first_by }}, typed) as copy_number
    from typed

),

-- a row without an id is no copy of another one: it stays, under a key of its own
kept as (

    select
        coalesce({{ id }}, 'missing ' || copy_number) as {{ key }},
        numbered.*
    from numbered
    where copy_number = 1 or {{ id }} is null

),

dropped as (

    select
        kept.{{ key }},
        count(*) as duplicate_rows,
        count(*) filter (where numbered.row_hash = kept.row_hash) as exact_duplicate_rows,
        coalesce(sum(numbered.row_money), 0) as duplicate_money,
        coalesce(
            sum(numbered.row_money) filter (where numbered.row_hash = kept.row_hash), 0
        ) as exact_duplicate_money
    from numbered
    inner join kept
        on numbered.{{ id }} = kept.{{ id }}
    where numbered.copy_number > 1
    group by all

),

deduplicated as (

    select
        kept.* exclude (row_hash, row_money, copy_number),
        coalesce(dropped.duplicate_rows, 0) as duplicate_rows,
        coalesce(dropped.exact_duplicate_rows, 0) as exact_duplicate_rows,
        coalesce(dropped.duplicate_money, 0) as duplicate_money,
        coalesce(dropped.exact_duplicate_money, 0) as exact_duplicate_money
    from kept
    left join dropped
        on kept.{{ key }} = dropped.{{ key }}

)
{%- endmacro %}
