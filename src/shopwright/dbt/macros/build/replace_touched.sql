{#
    Incremental strategy: throw out what this build has derived anew, put in the new rows. What is thrown
    out is named by the model's `meta.touched`:

    own_sessions  rows whose session starts within a session of the new rows (`meta.session_end` names the column
                  whose maximum ends a session)
    sessions      the same for a table with user_id, by the re-derived sessions of int_sessions
    session_keys  the same for a table with user_key
    users         rows of users who have a re-derived session
    funnel_dates  rows of dates whose funnel may have changed
    months        rows of months in which a re-derived session lies

    A new session always holds every event of the old sessions it replaces, so a span is enough to find
    them.
#}
{% macro get_incremental_replace_touched_sql(arg_dict) -%}
    {%- set target_table, new_rows = arg_dict['target_relation'], arg_dict['temp_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set meta = config.get('meta') -%}
    {%- if meta['touched'] == 'own_sessions' -%}
        {{ delete_sessions(target_table, own_sessions(new_rows, meta['session_end']), 'user_key') }}
    {%- elif meta['touched'] == 'sessions' -%}
        {{ delete_sessions(target_table, rederived_sessions(), 'user_id') }}
    {%- elif meta['touched'] == 'session_keys' -%}
        {{ delete_sessions(target_table, rederived_sessions(), 'user_key') }}
    {%- elif meta['touched'] == 'users' -%}
        delete from {{ target_table }} where user_key in ({{ touched_users() }});
    {%- elif meta['touched'] == 'months' -%}
        delete from {{ target_table }} where session_month in ({{ touched_months() }});
    {%- else -%}
        delete from {{ target_table }} where session_date in ({{ funnel_dates() }});
    {%- endif %}

    insert into {{ target_table }} ({{ columns }})
    select {{ columns }} from {{ new_rows }};
{%- endmacro %}

{% macro delete_sessions(target_table, spans, user) -%}
    delete from {{ target_table }}
    using ({{ spans }}) as spans
    where {{ target_table }}.{{ user }} = spans.{{ user }}
        and {{ target_table }}.session_start_at between spans.session_start_at and spans.session_end_at;
{%- endmacro %}

{% macro own_sessions(new_rows, session_end) -%}
    select user_key, session_start_at, max({{ session_end }}) as session_end_at
    from {{ new_rows }} group by user_key, session_start_at
{%- endmacro %}

{# The sessions that this build derived anew, an earlier unfinished one included. #}
{% macro rederived_sessions() -%}
    select visitors.user_id, sessions.user_key, sessions.session_start_at, sessions.session_end_at
    from {{ ref('int_sessions') }} as sessions
    inner join {{ ref('int_visitors') }} as visitors on sessions.user_key = visitors.user_key
    where sessions._build_seq > {{ processed_through() }}
{%- endmacro %}

{% macro touched_users() -%}
    select user_key from {{ ref('int_sessions') }} where _build_seq > {{ processed_through() }}
{%- endmacro %}

{#
    Every date on which a re-derived session lies: an older, shorter form of it may have started on any of
    them.
#}
{% macro touched_dates() -%}
    select distinct {{ each_date(shop_date('session_start_at'), shop_date('session_end_at')) }}
    from {{ ref('int_sessions') }} where _build_seq > {{ processed_through() }}
{%- endmacro %}

{# The months of those dates, as date literals. #}
{% macro touched_months() -%}
    {{ return(date_literals(
        "select distinct cast(date_trunc('month', touched.date_day) as date) from (" ~ touched_dates()
        ~ ") as touched (date_day)"
    )) }}
{%- endmacro %}

{#
    Dates whose funnel may have changed: those of re-derived sessions or, on the day the shop's first
    begin_checkout event comes in, all of them. Written out as literals, which the engine can push down to
    the scans.
#}
{% macro funnel_dates() -%}
    {{ return(date_literals(
        touched_dates()
        ~ ' union select session_date from ' ~ this
        ~ ' where (checkout_session_count is not null) <> (select coalesce(max(begin_checkout_count), 0) > 0 from '
        ~ ref('int_sessions') ~ ')'
    )) }}
{%- endmacro %}

{# What a query of dates finds, as a list of literals for `in`; null where it finds nothing. #}
{% macro date_literals(query) -%}
    {%- if not execute -%}{{ return('null') }}{%- endif -%}
    {%- set literals = [] -%}
    {%- for value in run_query(query).columns[0].values() -%}
        {%- do literals.append("date '" ~ (value | string)[:10] ~ "'") -%}
    {%- endfor -%}
    {{ return(literals | join(', ') or 'null') }}
{%- endmacro %}
