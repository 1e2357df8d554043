select message, 'look' as what_to_do, row_number() over (order by day) as place from {{ ref('load_alarms') }} where is_of_newest_load
