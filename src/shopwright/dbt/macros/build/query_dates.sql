{#
    Dates and timestamps that are queried before a model runs. Written into the model as literals, they are pushed down
    to the scans, which then skip everything else.
#}

{# Result of a query with one column of dates: a sorted list of texts (yyyy-mm-dd). #}
{% macro query_dates(query) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set dates = [] -%}
    {%- for value in run_query(query).columns[0].values() -%}
        {%- do dates.append((value | string)[:10]) -%}
    {%- endfor -%}
    {{ return(dates | sort) }}
{%- endmacro %}

{# Condition: a date column is in a list of dates; false for an empty list. #}
{% macro is_in_dates(column, dates) -%}
    {%- if not dates -%}{{ return('false') }}{%- endif -%}
    {{ return(column ~ " in (date '" ~ dates | join("', date '") ~ "')") }}
{%- endmacro %}

{#
    Condition: the date of a UTC timestamp, in any time zone, can be in a list of dates or in the `days_after` days after
    the last of them. Coarse but cheap, since scans can use it: combine it with the exact condition.
#}
{% macro is_near_dates(column, dates, days_after=0) -%}
    {%- if not dates -%}{{ return('false') }}{%- endif -%}
    {%- set day = modules.datetime.timedelta(days=1) -%}
    {%- set first = modules.datetime.date.fromisoformat(dates[0]) - day -%}
    {%- set last = modules.datetime.date.fromisoformat(dates[-1]) + (days_after + 2) * day -%}
    {{ return(column ~ " between timestamp '" ~ first ~ "' and timestamp '" ~ last ~ "'") }}
{%- endmacro %}

{#
    Condition: events that arrived after the last finished build, or that leave a session that this build takes apart, can
    belong to the session, judging by its start.

    events  the table of sessionized events as that build left it
    gap     the session gap, as an SQL interval
#}
{% macro is_near_new_events(events, gap) -%}
    {%- if not execute -%}{{ return('false') }}{%- endif -%}
    {%- set new_bounds = run_query(
        'select min(event_at), max(event_at) from ' ~ ref('stg_events') ~ ' where _batch_seq > ' ~ processed_through()
    ).rows[0] -%}
    {%- set conditions = [] -%}
    {%- for bounds in [new_bounds, replaced_bounds()] if bounds and bounds[0] is not none -%}
        {%- do conditions.append(is_near_moments(events, gap, bounds[0], bounds[1])) -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ') or 'false') ~ ')') }}
{%- endmacro %}

{# Condition: an event between two moments, or within the gap of one, can belong to the session. #}
{% macro is_near_moments(events, gap, first_at, last_at) -%}
    {%- set from_at = "timestamp '" ~ first_at ~ "' - " ~ gap -%}
    {%- set to_at = "timestamp '" ~ last_at ~ "' + " ~ gap -%}
    {%- set row = run_query(
        'select min(session_start_at), ' ~ to_at ~ ' from ' ~ events ~ ' where _batch_seq <= ' ~ processed_through()
        ~ ' and event_at between ' ~ from_at ~ ' and ' ~ to_at
    ).rows[0] -%}
    {%- if row[0] is none -%}{{ return('false') }}{%- endif -%}
    {{ return("session_start_at between timestamp '" ~ row[0] ~ "' and timestamp '" ~ row[1] ~ "'") }}
{%- endmacro %}
