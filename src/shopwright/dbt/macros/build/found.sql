{#
    Dates and moments that a query finds before a model runs. Written into the model as literals they are
    pushed down to the scans, which then skip what lies elsewhere.
#}

{# The dates of a query's one column, sorted, as a list of texts. #}
{% macro found_dates(query) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set found = [] -%}
    {%- for value in run_query(query).columns[0].values() -%}
        {%- do found.append((value | string)[:10]) -%}
    {%- endfor -%}
    {{ return(found | sort) }}
{%- endmacro %}

{# Whether a column of dates is one of a list; false for an empty list. #}
{% macro is_one_of(column, dates) -%}
    {%- if not dates -%}{{ return('false') }}{%- endif -%}
    {{ return(column ~ " in (date '" ~ dates | join("', date '") ~ "')") }}
{%- endmacro %}

{#
    Whether a UTC timestamp lies so that its date in the shop's zone can be one of a list, or one of the days
    that follow the last of them. Coarse and cheap: put it beside the exact condition.
#}
{% macro lies_near(column, dates, days_after=0) -%}
    {%- if not dates -%}{{ return('false') }}{%- endif -%}
    {%- set day = modules.datetime.timedelta(days=1) -%}
    {%- set first = modules.datetime.date.fromisoformat(dates[0]) - day -%}
    {%- set last = modules.datetime.date.fromisoformat(dates[-1]) + (days_after + 2) * day -%}
    {{ return(column ~ " between timestamp '" ~ first ~ "' and timestamp '" ~ last ~ "'") }}
{%- endmacro %}

{#
    Whether a session's start is such that events newer than the last finished build can belong to it. The
    sessions are those of a table of steps as that build left it.
#}
{% macro is_within_reach(steps, gap) -%}
    {%- if not execute -%}{{ return('false') }}{%- endif -%}
    {%- set bounds = run_query(
        'select min(event_at) - ' ~ gap ~ ', max(event_at) + ' ~ gap ~ ' from ' ~ ref('stg_events')
        ~ ' where _batch_seq > ' ~ processed_through()
    ).rows[0] -%}
    {%- if bounds[0] is none -%}{{ return('false') }}{%- endif -%}
    {%- set first_start = run_query(
        'select min(session_start_at) from ' ~ steps ~ ' where _batch_seq <= ' ~ processed_through()
        ~ " and event_at between timestamp '" ~ bounds[0] ~ "' and timestamp '" ~ bounds[1] ~ "'"
    ).rows[0][0] -%}
    {%- if first_start is none -%}{{ return('false') }}{%- endif -%}
    {{ return("session_start_at between timestamp '" ~ first_start ~ "' and timestamp '" ~ bounds[1] ~ "'") }}
{%- endmacro %}
