{#
    Incremental strategy: throw out what this build has derived anew, put in the new rows. What is thrown
    out is named by the model's `meta.touched`:

    own_sessions  rows whose session starts within a session of the new rows (`meta.session_end` names the column
                  whose maximum ends a session)
    sessions      the same for a table with user_id, by the re-derived sessions of int_sessions
    session_keys  the same for a table with user_key
    users         rows of users who have a re-derived session
    buyers        rows of customers who buy in a re-derived session, or all rows (see rebuilds_all_orders)
    order_months  rows of months of orders that may have changed, or all rows (see rebuilds_all_orders)
    funnel_dates  rows of dates whose funnel may have changed
    weeks         rows of weeks in which an event of a re-derived session may lie

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
    {%- elif meta['touched'] == 'buyers' -%}
        delete from {{ target_table }} where {{ is_bought_by_touched('customer_id') }};
    {%- elif meta['touched'] == 'order_months' -%}
        delete from {{ target_table }} where {{ is_of_touched_months('order_month') }};
    {%- elif meta['touched'] == 'weeks' -%}
        delete from {{ target_table }} where {{ is_one_of('event_week', touched_weeks()) }};
    {%- else -%}
        delete from {{ target_table }} where {{ is_one_of('session_date', funnel_dates()) }};
    {%- endif %}

    insert into {{ target_table }} ({{ columns }})
    select {{ columns }} from {{ new_rows }};
{%- endmacro %}

{# The first start is looked up beforehand: as a literal it keeps the scan from reading users of older sessions. #}
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
{%- endmacro %}

{# The sessions that this build derived anew, an earlier unfinished one included. #}
{% macro rederived_sessions() -%}
    select visitors.user_id, sessions.user_key, sessions.session_start_at, sessions.session_end_at
    from {{ ref('int_sessions') }} as sessions
    inner join {{ ref('int_visitors') }} as visitors on sessions.user_key = visitors.user_key
    where sessions._build_seq > {{ processed_through() }}
{%- endmacro %}

{# Users, dates and weeks that this build touches. A test cannot ref int_sessions by name and hands it over. #}
{% macro touched_users(sessions=none) -%}
    select user_key from {{ sessions or ref('int_sessions') }} where _build_seq > {{ processed_through() }}
{%- endmacro %}

{# Those of them who buy in such a session: no other purchase can have come, gone or moved. #}
{% macro touched_buyers() -%}
    select user_id from {{ ref('int_visitors') }} where user_key in ({{ touched_users() }} and purchase_count > 0)
{%- endmacro %}

{# Whether an order's row is to be derived anew: all, or those of touched users. #}
{% macro is_bought_by_touched(customer_id) -%}
    {%- if rebuilds_all_orders() or not is_incremental() -%}true{%- else -%}{{ customer_id }} in ({{ touched_buyers() }}){%- endif -%}
{%- endmacro %}

{# Whether a row about a month of orders is to be derived anew: all, or those of touched months. #}
{% macro is_of_touched_months(order_month) -%}
    {%- if rebuilds_all_orders() or not is_incremental() -%}true{%- else -%}{{ is_one_of(order_month, touched_order_months()) }}{%- endif -%}
{%- endmacro %}

{#
    First days of the months of orders that may have changed: of the purchases of re-derived sessions, as no purchase ever
    changes its moment. Where orders have ids of their own, another version of a purchase may have moved it from one order
    of its buyer to another one, so there it is all purchases of touched buyers.
#}
{% macro touched_order_months() -%}
    {%- if states_order_ids() -%}
        {{ return(found_dates(
            'select distinct ' ~ month_of(shop_date('booked_at')) ~ ' from ' ~ ref('int_purchases')
            ~ ' where ' ~ is_bought_by_touched('customer_id')
        )) }}
    {%- endif -%}
    {{ return(found_dates(
        'select distinct '
        ~ each_month(month_of(shop_date('first_purchase_at')), month_of(shop_date('session_end_at')))
        ~ ' from ' ~ ref('int_sessions') ~ ' where _build_seq > ' ~ processed_through() ~ ' and purchase_count > 0'
    )) }}
{%- endmacro %}

{% macro month_of(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}

{#
    Every date on which a re-derived session lies: an older, shorter form of it may have started on any of
    them.
#}
{% macro touched_dates(sessions=none) -%}
    select distinct {{ each_date(shop_date('session_start_at'), shop_date('session_end_at')) }}
    from {{ sessions or ref('int_sessions') }} where _build_seq > {{ processed_through() }}
{%- endmacro %}

{# The Mondays of those dates' weeks. #}
{% macro touched_weeks(sessions=none) -%}
    {{ return(found_dates(
        "select distinct cast(date_trunc('week', touched.date_day) as date) from (" ~ touched_dates(sessions)
        ~ ") as touched (date_day)"
    )) }}
{%- endmacro %}

{#
    Dates whose funnel may have changed: those of re-derived sessions or, on the day the shop's first
    begin_checkout event comes in, all of them.
#}
{% macro funnel_dates() -%}
    {{ return(found_dates(
        touched_dates()
        ~ ' union select session_date from ' ~ this
        ~ ' where (checkout_session_count is not null) <> (select coalesce(max(begin_checkout_count), 0) > 0 from '
        ~ ref('int_sessions') ~ ')'
    )) }}
{%- endmacro %}
