{{ config(parameters=['spine_table']) }}

with

customers as (

    select * from {{ ref('customers_as_of') }}(spine_table)

),

shop as (

    select * from {{ ref('shop_as_of') }}(spine_table)

),

joined as (

    select
        {%- for column in contract_columns() %}
        {{ 'customers.' if column == 'as_of_date' }}{{ column }},
        {%- endfor %}
    from customers
    inner join shop
        on customers.as_of_date = shop.as_of_date

)

select * from joined
