{%- set money = [] -%}
{%- for feature in contract_features() if feature.data_type == 'decimal(18,2)' -%}
    {%- do money.append(feature.name) -%}
{%- endfor -%}
{{ config(parameters=['spine_table']) }}

with

features as (

    select * from {{ ref('feat_loyalty') }}

),

-- a feature added to one of the parts and to the contract is here: no list to keep
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
    from features

)

select * from contracted
