-- inlined, so that what is built on forecasts alone finds it
{{ config(materialized='ephemeral') }}

{% set anew = 'mend the file and load again (load.py --undo takes it back); if the day was really like this, accept the load in accepted_loads' %}
{% set drift = 'if the shop has not changed so, look at the files of these weeks; if it has, fit again' %}
{% set gate = 'look at marts.quarantine and marts.data_quality; mend the files, or raise the limit if it is meant so' %}
{% set night = 'read its message and its steps in main.run_steps, mend that, run the night again' %}
{% set remedies = {
    'empty_day': 'ask for the file of the day; a day on which the shop was shut goes into shut_days',
    'half_day': 'ask for the whole file of the day and load it again',
    'doubled_day': 'take the load back (load.py --undo), and see why the export makes new ids',
    'hundredfold_amounts': anew,
    'amounts_too_small': anew,
    'amounts_flipped': anew,
    'amounts_zero': anew,
    'store_missing': 'ask whether the store is shut or its till does not send; if shut, accept the load in accepted_loads',
    'category_renamed': 'if it is a new name only, name it as before in the file; features by category begin anew',
    'region_renamed': 'if customers did not move, name regions as before in the file',
    'nulls_jump': 'look for a column that was renamed or left out in the file, mend and load again',
    'new_ids_jump': 'look whether ids have a new form, or master data are still to come',
    'ids_moved': 'look whether the customers of the orders are theirs: a column sorted alone, a join by row number',
    'dates_shifted': 'look at the time zone of the export, mend and load again',
    'stale': 'look at the export and at the folder that the night reads',
    'price_shift': 'look at currency, tax and units of the amounts; if prices have changed, accept the load in accepted_loads',
    'quantity_shift': 'look whether packs are counted as pieces',
    'volume_surge': 'look whether several days came under one date',
    'much_quarantined': gate,
    'much_dropped': gate,
    'much_corrected': gate,
    'much_capped': gate,
    'night_stopped': night,
    'night_failed': night,
    'night_killed': night,
    'demand_fell': drift,
    'demand_rose': drift,
    'store_fell': drift,
    'store_rose': drift,
    'category_fell': drift,
    'category_rose': drift,
    'price_drift': drift,
    'quantity_drift': drift,
    'promotions_drift': drift,
    'values_missing': drift,
    'orders_repeated': drift,
    'forecast_drift': drift,
    'forecast_off': 'read marts.forecast_scorecard; fit again',
    'forecast_jumped': 'look at the newest load and at marts.forecast_drift; roll back if the files are wrong',
    'forecasts_old': 'score: make score, or run the night',
    'model_stale': 'fit again: make fit, or a night with --fit',
} %}

with

listed as (

    select unnest([
        {%- for cause, remedy in remedies.items() %}
        struct_pack(cause := '{{ cause }}', what_to_do := '{{ remedy }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ], recursive := true)

)

select * from listed
