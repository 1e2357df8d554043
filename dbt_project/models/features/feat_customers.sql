{{ config(materialized='dates_in_batches') }}

{#- the materialization reads them too -#}
{%- do [ref('int_snapshots_scheduled'), ref('int_customer_dates'), ref('int_customers_touched')] -%}
{%- set money = [] -%}
{%- for feature in contract_features() if feature.data_type == 'decimal(18,2)' -%}
    {%- do money.append(feature.name) -%}
{%- endfor %}

with

joined as (

    select * from {{ ref('feat_families_joined') }}

),

-- a feature added to one of the families and to the contract is here: no list to keep
contracted as (

    select
        columns(
            lambda name: name in (
                {%- for column in contract_columns() if column not in money %}
                '{{ column }}'{{ ',' if not loop.last }}
                {%- endfor %}
            )
        ),
        -- amounts have four decimals up to here: features of money are rounded once
        cast(columns(
            lambda name: name in (
                {%- for column in money or ['none'] %}
                '{{ column }}'{{ ',' if not loop.last }}
                {%- endfor %}
            )
        ) as decimal(18, 2))
    from joined

)

select * from contracted
