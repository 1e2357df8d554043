{% materialization as_of_snapshots, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set schedule = ref('int_snapshots_scheduled') -%}
    {%- set known = ref('int_customers_known') -%}
    {%- set ledger = api.Relation.create(this.database, this.schema, 'snapshot_ledger') -%}
    {%- set facts_built = api.Relation.create(this.database, this.schema, 'facts_built') -%}
    {%- set is_known = 'known.known_from_date < dates.as_of_date and known.valid_from < dates.as_of_date'
        ~ ' and known.valid_until >= dates.as_of_date' -%}
    {%- set contract_hash = run_query(
        "select md5(any_value(macro_definition)) from duckdb_functions() where database_name = current_database()"
        ~ " and schema_name = '" ~ this.schema ~ "' and function_name = 'customers_as_of'"
    ).columns[0].values()[0] -%}
    {%- set built -%}
        (
            select as_of_date, sum(cast(hash(mart) as hugeint)) as content_hash
            from {{ this }} as mart
            group by all
        )
    {%- endset -%}

    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('tables', auto_begin=True) %}
        create or replace temp table pairs_to_build (customer_id varchar, as_of_date date);
        create table if not exists {{ ledger }} (
            as_of_date date primary key,
            rows bigint,
            content_hash hugeint,
            contract_hash varchar,
            known_through date,
            built_at timestamp
        );
        create table if not exists {{ facts_built }} (customer_id varchar, facts_hash hugeint)
    {% endcall %}

    {#- nothing new came in, and every date is there as the ledger has it -#}
    {%- set existing = load_cached_relation(this) -%}
    {% if existing is not none and not flags.FULL_REFRESH and false and run_query(
        "select count(*) from " ~ built ~ " as built"
        ~ " full join " ~ ledger ~ " as ledger on built.as_of_date = ledger.as_of_date"
        ~ " where built.content_hash is distinct from ledger.content_hash"
    ).columns[0].values()[0] == 0 %}
        {% do adapter.commit() %}
        {%- call noop_statement('main', 'UNCHANGED') -%}{%- endcall -%}
        {{ return({'relations': [target_relation]}) }}
    {% endif %}

    {#- another definition or another input, or no table: all dates are missing -#}
    {%- set is_defined_anew = existing is none or run_query(
        "select count(*) from " ~ ledger ~ " where contract_hash <> '" ~ contract_hash ~ "'"
    ).columns[0].values()[0] > 0 -%}
    {% if existing is none or is_defined_anew or flags.FULL_REFRESH %}
        {% call statement('anew') %}
            create or replace table {{ target_relation }} as {{ sql }};
            delete from {{ ledger }}
        {% endcall %}
    {% endif %}
    {% call statement('dates') %}
        create or replace temp table dates_to_keep as
        select
            ledger.as_of_date,
            (select max(as_of_date) from {{ ledger }}) as built_through
        from {{ ledger }} as ledger
        inner join {{ schedule }} as schedule on ledger.as_of_date = schedule.as_of_date
        inner join {{ built }} as built
            on ledger.as_of_date = built.as_of_date and ledger.content_hash = built.content_hash;
        create or replace temp table dates_to_build as
        select
            dates.as_of_date,
            count(*) as rows,
            -- so many rows at a time that the work stays in memory
            sum(count(*)) over (order by dates.as_of_date) // {{ var('rows_at_a_time') }} as batch
        from {{ schedule }} as dates
        inner join {{ known }} as known on {{ is_known }}
        where dates.as_of_date not in (select as_of_date from dates_to_keep)
        group by dates.as_of_date;
        delete from {{ target_relation }}
        where as_of_date not in (select as_of_date from dates_to_keep)
    {% endcall %}

    {#- customers of whom a kept date sees something else than when it was built -#}
    {%- set through = run_query('select max(built_through) from dates_to_keep').columns[0].values()[0] -%}
    {%- set touched = 0 -%}
    {% call statement('touched') %}
        create or replace temp table repaired_dates (as_of_date date);
        create or replace temp table touched_customers as
        {%- if through %}
        select coalesce(seen.customer_id, built.customer_id) as customer_id
        from ({{ facts_hashed("date '" ~ through ~ "'") }}) as seen
        full join {{ facts_built }} as built on seen.customer_id = built.customer_id
        where seen.facts_hash is distinct from built.facts_hash
        {%- else %}
        select null as customer_id where false
        {%- endif %}
    {% endcall %}
    {%- set touched = run_query('select count(*) from touched_customers').columns[0].values()[0] -%}
    {% if touched %}
        {% call statement('repair') %}
            insert into pairs_to_build
            select customer_id, as_of_date from touched_customers cross join dates_to_keep;
            create or replace temp table repaired as {{ sql }};
            create or replace temp table differing as
            select as_of_date, customer_id from (
                from {{ target_relation }} semi join touched_customers using (customer_id)
                except from repaired
            )
            union
            select as_of_date, customer_id from (
                from repaired
                except from {{ target_relation }} semi join touched_customers using (customer_id)
            );
            delete from {{ target_relation }} as mart using differing
            where mart.as_of_date = differing.as_of_date
                and mart.customer_id = differing.customer_id;
            insert into {{ target_relation }}
            from repaired semi join differing using (as_of_date, customer_id);
            insert into repaired_dates select distinct as_of_date from differing;
            drop table repaired;
            drop table differing
        {% endcall %}
    {% endif %}

    {%- set batches = run_query('select distinct batch from dates_to_build order by all').columns[0].values() -%}
    {% for batch in batches %}
        {% call statement('batch') %}
            create or replace temp table pairs_to_build as
            select known.customer_id, dates.as_of_date
            from dates_to_build as dates
            inner join {{ known }} as known on {{ is_known }}
            where dates.batch = {{ batch }};
            insert into {{ target_relation }} {{ sql }}
        {% endcall %}
    {% endfor %}

    {%- set latest = run_query('select max(as_of_date) from ' ~ schedule).columns[0].values()[0] -%}
    {% call statement('main') %}
        delete from {{ ledger }}
        where as_of_date not in (select as_of_date from dates_to_keep)
            or as_of_date in (select as_of_date from repaired_dates);
        insert into {{ ledger }}
        select
            dates.as_of_date,
            count(*) as rows,
            sum(cast(hash(mart) as hugeint)) as content_hash,
            '{{ contract_hash }}' as contract_hash,
            (
                select max(known_date) from {{ ref('int_customer_days_spaced') }}
                where known_date < dates.as_of_date
            ) as known_through,
            current_timestamp as built_at
        from {{ target_relation }} as mart
        inner join (
            select as_of_date from dates_to_build
            union select as_of_date from repaired_dates
        ) as dates on mart.as_of_date = dates.as_of_date
        group by dates.as_of_date;
        -- before the first sale there is no date
        create or replace table {{ facts_built }} as
        {{ facts_hashed("date '" ~ latest ~ "'" if latest else 'cast(null as date)') }}
    {% endcall %}
    {%- set done = run_query(
        "select (select count(*) from dates_to_build), (select count(*) from dates_to_keep),"
        ~ " (select count(*) from repaired_dates)"
    ).rows[0] -%}
    {% do log(
        this.identifier ~ ': ' ~ ('definition changed, ' if is_defined_anew and existing is not none else '')
        ~ done[0] ~ ' as-of dates built, ' ~ done[1] ~ ' kept, of which ' ~ done[2]
        ~ ' repaired for ' ~ touched ~ ' customers whose history changed',
        info=True
    ) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
