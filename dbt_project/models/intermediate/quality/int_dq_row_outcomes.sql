with

customers as (

    select * from {{ ref('int_customers_checked') }}

),

products as (

    select * from {{ ref('int_products_checked') }}

),

headers as (

    select * from {{ ref('int_headers_checked') }}

),

lines as (

    select * from {{ ref('int_lines_checked') }}

),

counted as (

    {{ count_outcomes('customers', 'customer_details', '0') }}
    union all
    {{ count_outcomes('products', 'products', '0') }}
    union all
    {{ count_outcomes('headers', 'store_sales_header', 'money', has_versions=true) }}
    union all
    {{ count_outcomes('lines', 'store_sales_line_items', 'money', has_versions=true) }}

)

select * from counted
