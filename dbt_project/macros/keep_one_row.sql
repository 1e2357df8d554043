{% macro keep_one_row(id, key, first_by, attributes) -%}
numbered as (

    select
        typed.*,
        -- what a row says; how it was written (is_...) makes no copy a conflict
        hash(*columns(lambda name: not starts_with(name, 'is_') and name <> 'loaded_at')) as row_hash,
        row_number() over (partition by {{ id }} order by loaded_at desc, {{ first_by }}, typed) as copy_number,
        min(loaded_at) over (partition by {{ id }}) as first_loaded_at
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
        count(*) filter (
            where numbered.row_hash <> kept.row_hash and numbered.loaded_at < kept.loaded_at
        ) as superseded_rows,
        -- what was said before, for the history
        array_agg({
            'loaded_at': numbered.loaded_at,
            'copy_number': numbered.copy_number,
            {%- for column in attributes %}
            '{{ column }}': numbered.{{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        }) filter (where numbered.loaded_at < kept.loaded_at) as earlier_rows
    from numbered
    inner join kept
        on numbered.{{ id }} = kept.{{ id }}
    where numbered.copy_number > 1
    group by all

),

deduplicated as (

    select
        kept.* exclude (row_hash, copy_number),
        coalesce(dropped.duplicate_rows, 0) as duplicate_rows,
        coalesce(dropped.exact_duplicate_rows, 0) as exact_duplicate_rows,
        coalesce(dropped.superseded_rows, 0) as superseded_rows,
        dropped.earlier_rows,
        0 as duplicate_money,
        0 as exact_duplicate_money
    from kept
    left join dropped
        on kept.{{ key }} = dropped.{{ key }}

)
{%- endmacro %}
