{% macro note_red_gates(results=none) %}
    {#- On run start, and with results on run end: what of the features is red or unfinished, so that nobody scores
        them. What stands on scores is left out, as only scoring again mends it. -#}
    create table if not exists builds.red_gates (name varchar);
    {%- if execute and flags.WHICH in ['build', 'run', 'test'] %}
    {%- set unfinished = 'a build that did not come to its end' %}
    {%- if results is none %}
    {%- if flags.WHICH != 'test' %}
    insert into builds.red_gates values ('{{ unfinished }}');
    {%- endif %}
    {%- else %}
    {%- set seen = [unfinished] -%}
    {%- set red = [] -%}
    {%- for result in results if result.node.resource_type != 'unit_test' -%}
        {%- if result.status in ['success', 'pass', 'warn', 'no-op'] -%}
            {%- do seen.append(result.node.name) -%}
        {%- elif result.status in ['error', 'fail'] -%}
            {%- set behind = [result.node.unique_id] -%}
            {%- set scores = [] -%}
            {%- for name in behind -%}
                {%- if name in graph.nodes -%}
                    {%- do behind.extend(graph.nodes[name].depends_on.nodes | reject('in', behind) | list) -%}
                {%- elif name in graph.sources and graph.sources[name].source_name == 'scoring' -%}
                    {%- do scores.append(name) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- do red.append(result.node.name) if not scores -%}
        {%- endif -%}
    {%- endfor %}
    delete from builds.red_gates where name in ('{{ (seen + red) | join("', '") }}');
    {%- if red %}
    insert into builds.red_gates values ('{{ red | join("'), ('") }}');
    {%- endif %}
    {%- endif %}
    {%- endif %}
{% endmacro %}
