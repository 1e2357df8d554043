{% macro id_or_missing(id, row) -%}
    {#- a row without an id is no copy of another one: it stays, under a key of its own. Canonical ids have
        no small letters -#}
    coalesce({{ id }}, 'missing ' || md5(cast({{ row }} as varchar)))
{%- endmacro %}
