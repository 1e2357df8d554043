{% macro plan_build() %}
    {#- On run start: which loads has no complete build read yet? Rows come by loads alone, so counts and sums
        over each tell whether those read before still stand. Where they do not, or the SQL is another,
        `why_all` says so and incremental models are built as with --full-refresh. -#}
    create schema if not exists builds;
    create table if not exists builds.loads_read (
        table_name varchar, loaded_at timestamp, rows bigint, content hugeint, definition varchar
    );
    create table if not exists builds.loads_found as from builds.loads_read;
    create table if not exists builds.loads_to_read (loaded_at timestamp);
    create table if not exists builds.plan (why_all varchar);
    create table if not exists builds.dates_to_compute (as_of_date date);
    {% set behind = behind_rows(['incremental', 'dates_in_batches']) if execute and flags.WHICH in ['build', 'run'] %}
    {% if behind and behind | select('in', selected_resources) | list %}
    {#- not by adapter.get_relation: that leaves a transaction open, which is rolled back -#}
    {%- set columns = {} -%}
    {%- for row in run_query(
        "select schema_name || '.' || table_name, string_agg(column_name || ' ' || data_type, ', ')"
        ~ " from (from duckdb_columns() where database_name = current_database() order by column_index)"
        ~ " group by all"
    ).rows -%}
        {%- do columns.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- set definition = definition_of_rows() -%}
    {%- set tables = [] -%}
    {#- raw.loads speaks of customers and products, of whom every change is seen -#}
    {%- for name in behind if name in graph.sources and not name.endswith('.retail.loads') -%}
        {%- set relation = graph.sources[name].schema ~ '.' ~ graph.sources[name].identifier -%}
        {%- do tables.append((relation, columns[relation])) if relation in columns -%}
    {%- endfor %}
    create or replace temp table loads_before as
    from builds.loads_read union from builds.loads_found;
    create or replace table builds.loads_found as
    {%- for relation, its_columns in tables %}
    select
        '{{ relation }}' as table_name,
        {{ '_loaded_at' if '_loaded_at ' in its_columns else 'cast(null as timestamp)' }} as loaded_at,
        count(*) as rows,
        sum(cast(hash(raw_rows) as hugeint)) as content,
        '{{ local_md5(definition ~ its_columns) }}' as definition
    from {{ relation }} as raw_rows
    group by all
    union all
    {%- endfor %}
    (from builds.loads_read limit 0);
    create or replace table builds.plan as
    select case
        when {{ flags.FULL_REFRESH }} then 'asked for with --full-refresh'
        when not exists (from builds.loads_read) then 'there is no complete build to build upon'
        -- one that did not come to its end may have read what is gone now
        when exists (from loads_before except from builds.loads_found)
            then 'rows of earlier loads are gone or others, or SQL, a macro or a variable behind them is'
    end as why_all;
    -- until a build comes to its end there is nothing to build upon, whatever comes back meanwhile
    delete from builds.loads_read where (select why_all from builds.plan) is not null;
    create or replace table builds.loads_to_read as
    select distinct found.loaded_at
    from builds.loads_found as found
    anti join builds.loads_read as read
        on found.table_name = read.table_name
        and found.loaded_at = read.loaded_at
    where (select why_all from builds.plan) is null
    {% endif %}
{% endmacro %}
