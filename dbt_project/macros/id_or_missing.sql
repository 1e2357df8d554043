{% macro id_or_missing(id, columns) -%}
    {#- a row without an id is no copy of another one: it stays, under a key of its own. Canonical ids have
        no small letters -#}
    coalesce({{ id }}, 'missing ' || md5(concat_ws(' ', {{ columns | join(', ') }})))
{%- endmacro %}
