{#
    Key of a session: its user and the second in which it starts. Unique, since two sessions of a user are more than the
    session gap apart, and stable, since a session without new events keeps its start.
#}
{% macro session_key(user_id, session_start_at) -%}
    {{ user_id }} || '-'
    || cast({{ seconds_between("timestamp '1970-01-01 00:00:00'", session_start_at) }} as varchar)
{%- endmacro %}
