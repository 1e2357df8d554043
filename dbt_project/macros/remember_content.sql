{% macro remember_content(relation, name) %}
    insert or replace into memory.built (node, inputs_version, built_at)
    select
        '{{ name }}',
        md5(concat_ws(
            ' ',
            count(*),
            sum(cast(hash(rows_of_it) as hugeint)),
            -- the hash of a row knows no names
            (
                select string_agg(column_name || ' ' || column_type, ', ')
                from (describe {{ relation }})
            )
        )),
        current_timestamp
    from {{ relation }} as rows_of_it
{% endmacro %}
