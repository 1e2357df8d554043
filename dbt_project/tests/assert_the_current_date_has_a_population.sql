-- an `as_of` before all data, or a shop in which nobody is left after cleaning
with

lattice as (

    select * from {{ ref('int_lattice_chosen') }}

),

population as (

    select * from {{ ref('int_customers_snapshotted') }}
    where is_current

)

select
    lattice.current_as_of_date,
    'no customer is known before this date: choose a later as_of, or look into marts.quarantine'
        as reason
from lattice
left join population
    on lattice.current_as_of_date = population.as_of_date
group by all
having count(population.customer_id) = 0
