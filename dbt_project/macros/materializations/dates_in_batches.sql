{#- Why it is there: so many customers times dates at a time bound the memory of a build, and dbt has no
    such loop (microbatch goes by the time of events, and does not notice a batch that is missing).
    All of it is one transaction: dates no longer scheduled and customers that the news touch go, what is
    missing then is built. Another definition of the features, or --full-refresh: all is missing. -#}
{% materialization dates_in_batches, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set function = 'customers_as_of' -%}
    {%- set noted -%}
        select any_value(comment) from duckdb_functions()
        where database_name = current_database()
            and schema_name = '{{ this.schema }}'
            and function_name = '{{ function }}'
    {%- endset -%}
    {%- set before = run_query(noted).columns[0].values()[0] -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set create = create_as_of_function(function) -%}
    {#- a comment keeps what it was made of: DuckDB writes a definition in other words when it reads it again -#}
    {%- set made_of = local_md5(create) -%}
    {% call statement('function', auto_begin=True) %}
        {{ create }};
        comment on macro table {{ this.schema }}.{{ function }} is '{{ made_of }}'
    {% endcall %}
    {%- set is_new = load_cached_relation(this) is none or should_full_refresh() or before != made_of -%}
    {% call statement('missing') %}
        {%- if is_new %}
        create or replace table {{ this }} as
        from {{ this.schema }}.{{ function }}('{{ ref("int_customer_dates") | replace('"', '') }}') limit 0;
        {%- else %}
        delete from {{ this }}
        where as_of_date not in (select as_of_date from {{ ref('int_snapshots_scheduled') }})
            -- of a build that did not come to its end: its tests look at them again
            or as_of_date in (select as_of_date from builds.dates_to_compute)
            or customer_id in (select customer_id from {{ ref('int_customers_touched') }});
        {%- endif %}
        create or replace table builds.dates_to_compute as
        select as_of_date from {{ ref('int_snapshots_scheduled') }}
        where as_of_date not in (select as_of_date from {{ this }});
        create or replace temp table missing as
        select customer_id, as_of_date
        from {{ ref('int_customer_dates') }}
        where as_of_date in (select as_of_date from builds.dates_to_compute)
            or customer_id in (select customer_id from {{ ref('int_customers_touched') }});
        create or replace temp table batches as
        select as_of_date, sum(count(*)) over (order by as_of_date) // {{ var('rows_at_a_time') }} as batch
        from missing
        group by as_of_date
    {% endcall %}
    {% for batch in run_query('select distinct batch from batches order by all').columns[0].values() %}
        {% call statement('batch') %}
            create or replace temp table pairs as
            select missing.* from missing
            inner join batches on missing.as_of_date = batches.as_of_date and batches.batch = {{ batch }};
            insert into {{ this }} {{ replace_relations(sql, {'int_customer_dates': 'pairs'}) }}
        {% endcall %}
    {% endfor %}
    {% call statement('main') %}drop table missing; drop table batches; drop table if exists pairs{% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
