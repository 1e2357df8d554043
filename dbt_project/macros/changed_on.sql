{% macro changed_on() -%}
    {%- set history = adapter.get_relation(this.database, this.schema, this.identifier) if execute -%}
    {%- set has_loads = history and 'loaded_at' in adapter.get_columns_in_relation(history) | map(attribute='name') -%}
    coalesce(
        {%- if has_loads %}
        -- a load is dated once: what has changed in its rows since came from elsewhere
        case
            when loaded_at in (select seen.loaded_at from {{ history }} as seen) then null
            else known_on
        end,
        {%- else %}
        known_on,
        {%- endif %}
        -- undated, a change is known from the load on, and to no as-of date that is built already
        greatest(cast(loaded_at as date), {{ latest_date_built() }})
    )
{%- endmacro %}
