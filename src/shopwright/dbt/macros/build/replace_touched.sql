{#
    Incremental strategy: delete the rows that this build computed again, insert the new ones. "Touched" are the sessions,
    users, dates, ... that a new batch can change. The model's `meta.touched` says which rows are deleted:

    own_sessions  rows whose session starts within a session of the new rows (`meta.session_end` names the column
                  whose maximum ends a session)
    sessions      rows of sessions that were rebuilt or may be attributed to other channels, by user_id
    session_keys  the same for a table with user_key
    users         rows of users who have a rebuilt session
    buyers        rows of customers who buy in a rebuilt session, or all rows (see rebuilds_all_orders)
    attributed_buyers  rows of customers who have a rebuilt session: its channel may be that of a purchase in another one
    order_months  rows of months whose orders may have changed, or all rows (see rebuilds_all_orders)
    funnel_dates  rows of dates whose funnel may have changed
    weeks         rows of weeks that can contain an event of a rebuilt session

    visitors      rows of visitors of whom there are new events, by visitor_key

    A rebuilt session contains every event of the old sessions that it replaces, so its time span is enough to find
    them. Old sessions that lose an event are taken apart: int_replaced_sessions has their spans, and whatever asks what is
    touched asks it too.
#}
{% macro get_incremental_replace_touched_sql(arg_dict) -%}
    {%- set target_table, new_rows = arg_dict['target_relation'], arg_dict['temp_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set meta = config.get('meta') -%}
    {%- if meta['touched'] == 'own_sessions' -%}
        {{ delete_sessions(target_table, own_sessions(new_rows, meta['session_end']), 'user_key') }}
    {%- elif meta['touched'] == 'sessions' -%}
        {{ delete_sessions(target_table, attributed_sessions(), 'user_id') }}
    {%- elif meta['touched'] == 'session_keys' -%}
        {{ delete_sessions(target_table, rebuilt_sessions(), 'user_key') }}
    {%- elif meta['touched'] == 'visitors' -%}
        delete from {{ target_table }} where visitor_key in ({{ touched_visitors() }});
    {%- elif meta['touched'] == 'users' -%}
        delete from {{ target_table }} where user_key in ({{ touched_users() }});
    {%- elif meta['touched'] == 'buyers' -%}
        delete from {{ target_table }} where {{ is_touched_customer('customer_id') }};
    {%- elif meta['touched'] == 'attributed_buyers' -%}
        delete from {{ target_table }} where {{ is_attributed_customer('customer_id') }};
    {%- elif meta['touched'] == 'order_months' -%}
        delete from {{ target_table }} where {{ is_touched_month('order_month') }};
    {%- elif meta['touched'] == 'weeks' -%}
        delete from {{ target_table }} where {{ is_in_dates('event_week', touched_weeks()) }};
    {%- else -%}
        delete from {{ target_table }} where {{ is_in_dates('session_date', funnel_dates()) }};
    {%- endif %}

    insert into {{ target_table }} ({{ columns }})
    select {{ columns }} from {{ new_rows }};
{%- endmacro %}

{# The earliest start is queried first: as a literal it lets the scan skip older sessions. #}
{% macro delete_sessions(target_table, spans, user) -%}
    {%- set first_start = run_query('select min(session_start_at) from (' ~ spans ~ ') as spans').rows[0][0] -%}
    {%- if first_start is not none %}
    delete from {{ target_table }}
    using ({{ spans }}) as spans
    where {{ target_table }}.{{ user }} = spans.{{ user }}
        and {{ target_table }}.session_start_at between spans.session_start_at and spans.session_end_at
        and {{ target_table }}.session_start_at >= timestamp '{{ first_start }}';
    {%- endif %}
{%- endmacro %}

{% macro own_sessions(new_rows, session_end) -%}
    select user_key, session_start_at, max({{ session_end }}) as session_end_at
    from {{ new_rows }} group by user_key, session_start_at
    union all
    select user_key, session_start_at, session_end_at
    from {{ replaced_sessions() }} where _build_seq > {{ processed_through() }}
{%- endmacro %}

{#
    Spans of the sessions that this build, or an earlier unfinished one, computed again or took apart. A generic test cannot
    ref int_sessions, so it passes the relation.
#}
{% macro touched_spans(sessions=none, only_buyers=false) -%}
    select user_key, session_start_at, session_end_at from {{ sessions or ref('int_sessions') }}
    where _build_seq > {{ processed_through() }}{{ ' and purchase_count > 0' if only_buyers }}
    union all
    select user_key, session_start_at, session_end_at from {{ replaced_sessions() }}
    where _build_seq > {{ processed_through() }}
{%- endmacro %}

{% macro rebuilt_sessions() -%}
    select user_keys.user_id, sessions.user_key, sessions.session_start_at, sessions.session_end_at
    from ({{ touched_spans() }}) as sessions
    inner join {{ ref('int_user_keys') }} as user_keys on sessions.user_key = user_keys.user_key
{%- endmacro %}

{#
    A span for each user who has such a session: from the first of them to the last, and on for as long as its channel may
    count for a later one.
#}
{% macro attributed_sessions() -%}
    {%- set days = var('attribution_lookback_days') if source_has_channels() else 0 -%}
    select
        user_id, user_key, min(session_start_at) as session_start_at,
        max(session_end_at) + interval '{{ days }} days' as session_end_at
    from ({{ rebuilt_sessions() }}) as rebuilt_sessions group by user_id, user_key
{%- endmacro %}

{# Users with such a session. #}
{% macro touched_users(sessions=none) -%}
    select user_key from ({{ touched_spans(sessions) }}) as touched_spans
{%- endmacro %}

{#
    Those of them who buy in a rebuilt session, or may have bought in one that was taken apart: no other user's purchases can
    have changed.
#}
{% macro touched_buyers() -%}
    select user_id from {{ ref('int_user_keys') }}
    where user_key in (select user_key from ({{ touched_spans(only_buyers=true) }}) as touched_spans)
{%- endmacro %}

{# Condition: the row of an order is computed again. All are, or those of touched buyers. #}
{% macro is_touched_customer(customer_id) -%}
    {%- if rebuilds_all_orders() or not is_incremental() -%}true{%- else -%}{{ customer_id }} in ({{ touched_buyers() }}){%- endif -%}
{%- endmacro %}

{# The same for tables that say by which channels the customer came: any session of the customer may have changed them. #}
{% macro is_attributed_customer(customer_id) -%}
    {%- if not source_has_channels() -%}{{ return(is_touched_customer(customer_id)) }}{%- endif -%}
    {%- if rebuilds_all_orders() or not is_incremental() -%}true{%- else -%}
    {{ customer_id }} in (select user_id from {{ ref('int_user_keys') }} where user_key in ({{ touched_users() }}))
    {%- endif -%}
{%- endmacro %}

{# Condition: the row of an order month is computed again. All are, or those of touched months. #}
{% macro is_touched_month(order_month) -%}
    {%- if rebuilds_all_orders() or not is_incremental() -%}true{%- else -%}{{ is_in_dates(order_month, touched_order_months()) }}{%- endif -%}
{%- endmacro %}

{#
    First days of the months whose orders may have changed: those of the purchases in rebuilt sessions, and of the sessions
    that were taken apart. Where purchases have order ids, a purchase may have moved from one order of the buyer to another,
    so there it is the months of all purchases of touched buyers too.
#}
{% macro touched_order_months() -%}
    {%- set months = query_dates(
        'select distinct ' ~ month_series(month_of(shop_date('session_start_at')), month_of(shop_date('session_end_at')))
        ~ ' from (' ~ touched_spans(only_buyers=true) ~ ') as touched_spans'
    ) -%}
    {%- if source_has_order_ids() -%}
        {%- set months = months + query_dates(
            'select distinct ' ~ month_of(shop_date('booked_at')) ~ ' from ' ~ ref('int_derived_order_lines')
            ~ ' where ' ~ is_touched_customer('customer_id')
        ) -%}
    {%- endif -%}
    {{ return(months | unique | list) }}
{%- endmacro %}

{% macro month_of(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}

{#
    Every date that a rebuilt session spans, or one that was taken apart: an older, shorter version of it may have started on
    any of them.
#}
{% macro touched_dates(sessions=none) -%}
    select distinct {{ date_series(shop_date('session_start_at'), shop_date('session_end_at')) }}
    from ({{ touched_spans(sessions) }}) as touched_spans
{%- endmacro %}

{# The Mondays of the weeks of those dates. #}
{% macro touched_weeks(sessions=none) -%}
    {{ return(query_dates(
        "select distinct cast(date_trunc('week', touched.date_day) as date) from (" ~ touched_dates(sessions)
        ~ ") as touched (date_day)"
    )) }}
{%- endmacro %}

{#
    Dates whose funnel may have changed: those of rebuilt sessions or, when the shop's first begin_checkout event
    arrives, all dates.
#}
{% macro funnel_dates() -%}
    {{ return(query_dates(
        touched_dates()
        ~ ' union select session_date from ' ~ this
        ~ ' where (checkout_session_count is not null) <> (select coalesce(max(begin_checkout_count), 0) > 0 from '
        ~ ref('int_sessions') ~ ')'
    )) }}
{%- endmacro %}
