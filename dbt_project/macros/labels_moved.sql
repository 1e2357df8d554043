{% macro labels_moved(id, label, since=none) -%}
-- what is said of each id, until a later load says something else
words as (

    select
        {{ label }},
        loaded_at,
        lead(loaded_at) over following as next_loaded_at,
        lead(changed_on) over following as next_changed_on,
        lead({{ label }}) over following as next_label
    from history
    window following as (
        partition by {{ id }}
        order by loaded_at, changed_on
    )

),

loads as (

    select distinct next_loaded_at as loaded_at
    from words
    where next_label <> {{ label }}
    {%- if since %}
        and next_changed_on >= {{ since }}
    {%- endif %}

),

-- the ids that a label had when the load came, and those that it took away
counted as (

    select
        loads.loaded_at,
        words.{{ label }},
        count(*) as members,
        count(*) filter (
            where words.next_loaded_at = loads.loaded_at
                and words.next_label <> words.{{ label }}
        ) as moved,
        mode(words.next_label) filter (where words.next_loaded_at = loads.loaded_at)
            as new_label,
        max(words.next_changed_on) filter (where words.next_loaded_at = loads.loaded_at) as day
    from loads
    inner join words
        on loads.loaded_at > words.loaded_at
        and loads.loaded_at <= coalesce(words.next_loaded_at, loads.loaded_at)
    group by all

)
{%- endmacro %}
