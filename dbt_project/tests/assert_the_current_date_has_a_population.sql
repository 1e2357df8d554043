-- an `as_of` before all data, or a shop in which nobody is left after cleaning
with

lattice as (

    select * from {{ ref('int_snapshot_grid') }}

),

customers as (

    select * from {{ ref('int_customers_known') }}

)

select
    lattice.current_as_of_date,
    'no customer is known before this date: choose a later as_of, or look into marts.quarantine'
        as reason
from lattice
left join customers
    on lattice.current_as_of_date > customers.known_from_date
group by all
having count(customers.customer_id) = 0
