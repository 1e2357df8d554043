{% macro remember_content(relation, name) %}
    insert or replace into memory.built
    select
        '{{ name }}',
        md5(concat_ws(' ', count(*), sum(cast(hash(rows_of_it) as hugeint)))),
        current_timestamp
    from {{ relation }} as rows_of_it
{% endmacro %}
