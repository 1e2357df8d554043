{% macro get_incremental_replace_touched_sql(arguments) %}
    {#- dbt's delete+insert deletes the customers that the new rows have; one who has none any more, because
        an order was another's, must go too -#}
    {%- set columns = get_quoted_csv(arguments.dest_columns | map(attribute='name')) -%}
    delete from {{ arguments.target_relation }}
    where customer_id in (select customer_id from {{ ref('int_customers_touched') }});
    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{% endmacro %}
