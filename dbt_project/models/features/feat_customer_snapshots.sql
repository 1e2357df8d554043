{{ config(post_hook="{{ create_as_of_function('features_as_of') }}") }}

with

customers as (

    select * from {{ ref('feat_customers') }}

),

dates as (

    select * from {{ ref('feat_dates') }}

),

joined as (

    select
        {%- for column in contract_columns() %}
        {{ 'customers.' if column == 'as_of_date' }}{{ column }},
        {%- endfor %}
    from customers
    inner join dates
        on customers.as_of_date = dates.as_of_date

)

select * from joined
