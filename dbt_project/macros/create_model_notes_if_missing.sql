{% macro create_model_notes_if_missing() %}
    create table if not exists {{ target.schema }}.feature_lineage (
        feature varchar,
        source_columns varchar[],
        row_columns varchar[],
        written_at timestamp
    );
    create table if not exists {{ target.schema }}.feature_importance (
        feature varchar,
        importance double,
        model_version varchar,
        fitted_at timestamp
    );
    create table if not exists {{ target.schema }}.training_dates (
        as_of_date date,
        model_version varchar,
        fitted_at timestamp
    )
{% endmacro %}
