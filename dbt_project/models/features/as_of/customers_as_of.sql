{{ config(parameters=['spine_table']) }}

with

features as (

    select * from {{ ref('feat_loyalty') }}

),

-- a feature added to one of the parts and to the contract is here: no list to keep
contracted as (

    select columns(
        lambda name: name in (
            {%- for column in contract_columns() %}
            '{{ column }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
    from features

)

select * from contracted
