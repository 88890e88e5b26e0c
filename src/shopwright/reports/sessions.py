"""Reports on sessions and active users: how many, how often, how long, and when."""

from __future__ import annotations

from shopwright.reports.columns import (
    CHANNEL,
    DEVICE,
    PURCHASE_SESSION_COUNT,
    SESSION_CONVERSION_RATE,
    SESSION_COUNT,
)
from shopwright.reports.periods import fill_periods
from shopwright.reports.report import Column, FilterColumns, Report

_SESSION_FILTERS = FilterColumns(
    day="session_date",
    device="coalesce(entry_device, '(unknown)')",
    channel="coalesce(entry_channel, '(unknown)')",
    group="experiment_group",
    user="user_id",
)
_DAY_FILTERS = FilterColumns(day="activity_date")
_SESSION_RULE = (
    "A session is a series of one user's events without a pause longer than the shop's limit; bots are excluded."
    " Filtered to a variant, everything its users did counts, also before exposure."
)
_EVENTS = ("events",)

_SUMMARY = Report(
    "session_summary",
    "Sessions",
    f"All sessions of the period in one row. {_SESSION_RULE} A cart is abandoned if its session has no purchase.",
    requires=("fct_sessions",),
    columns=(
        SESSION_COUNT,
        Column("bot_session_count", "Sessions flagged as bots, excluded from every other number.", "count"),
        PURCHASE_SESSION_COUNT,
        SESSION_CONVERSION_RATE,
        Column(
            "cart_rate",
            "Share of sessions that added something to the cart; undefined if no session at all did.",
            "share",
            stated_by="carts",
        ),
        Column(
            "cart_abandonment_rate",
            "Share of sessions with a cart that have no purchase; undefined if no session at all has a purchase.",
            "share",
            stated_by="purchases",
        ),
    ),
    sql="""
        select
            count(*) filter (where not is_bot) as session_count,
            count(*) filter (where is_bot) as bot_session_count,
            count(*) filter (where not is_bot and is_converted) as purchase_session_count,
            count(*) filter (where not is_bot and is_converted) / nullif(count(*) filter (where not is_bot), 0)
                as session_conversion_rate,
            count(*) filter (where not is_bot and has_cart) / nullif(count(*) filter (where not is_bot), 0) as cart_rate,
            count(*) filter (where not is_bot and is_abandoned)
            / nullif(count(*) filter (where not is_bot and has_cart), 0) as cart_abandonment_rate
        from gold.fct_sessions
        where {sessions}
    """,
    filter_columns={"sessions": _SESSION_FILTERS},
    entities=_EVENTS,
)

_DAILY = (
    Column("daily_active_users", "Users with an event on the date (DAU); bots are excluded.", "count"),
    Column("weekly_active_users", "Users with an event in the 7 days that end with the date (WAU).", "count"),
    Column(
        "monthly_active_users", "Users with an event in the 30 days that end with the date (MAU).", "count"
    ),
    Column("stickiness_rate", "DAU over MAU; undefined without active users.", "share", "Stickiness"),
)
_ACTIVE = (
    "A user is active on a date with at least one event in a session that is not a bot's (in any session if the dbt variable"
    " include_bots is true). In the first 29 days of the data the window of MAU is shorter, as monthly_window_days shows."
)

_ENGAGEMENT = Report(
    "engagement",
    "Active users (DAU, WAU, MAU)",
    f"One row per date. {_ACTIVE}",
    requires=("fct_daily_engagement",),
    columns=(
        Column("activity_date", "Date in the shop's time zone.", "date"),
        *_DAILY,
        Column("monthly_window_days", "Days in the window of MAU.", "count"),
        Column("new_users", "Users active for the first time.", "count"),
        Column("returning_users", "Active users who were active before.", "count"),
        SESSION_COUNT,
        Column("event_count", "Events in those sessions.", "count"),
        Column("bot_session_count", "Sessions flagged as bots.", "count"),
    ),
    sql="""
        select
            activity_date, daily_active_users, weekly_active_users, monthly_active_users, stickiness_rate,
            monthly_window_days, new_users, returning_users, session_count, event_count, bot_session_count
        from gold.fct_daily_engagement
        where {days}
        order by activity_date
    """,
    filter_columns={"days": _DAY_FILTERS},
    entities=_EVENTS,
)

_ENGAGEMENT_LATEST = Report(
    "engagement_latest",
    "Active users on the last date",
    f"The last date of the period in one row. {_ACTIVE}",
    requires=("fct_daily_engagement",),
    columns=(Column("activity_date", "Date in the shop's time zone.", "date"), *_DAILY),
    sql="""
        select activity_date, daily_active_users, weekly_active_users, monthly_active_users, stickiness_rate
        from gold.fct_daily_engagement
        where {days}
        order by activity_date desc
        limit 1
    """,
    filter_columns={"days": _DAY_FILTERS},
    entities=_EVENTS,
)


def _by(name: str, title: str, column: Column, expression: str, order: str, step: str = "") -> Report:
    columns = (column, SESSION_COUNT, PURCHASE_SESSION_COUNT, SESSION_CONVERSION_RATE)
    grouped = f"""
            select
                {expression} as {column.name},
                count(*) as session_count,
                count(*) filter (where is_converted) as purchase_session_count,
                count(*) filter (where is_converted) / count(*) as session_conversion_rate
            from gold.fct_sessions
            where not is_bot and {{sessions}}
            group by {column.name}
        """
    return Report(
        name,
        title,
        f"Sessions and how many of them have a purchase, by {column.name.replace('_', ' ')}. {_SESSION_RULE}",
        requires=("fct_sessions",),
        columns=columns,
        sql=fill_periods(grouped, columns, step, columns[1:3]) if step else f"{grouped} order by {order}",
        filter_columns={"sessions": _SESSION_FILTERS},
        entities=_EVENTS,
    )


_BY_DAY = _by(
    "sessions_by_day", "Sessions and conversion by day", Column("session_date", "Date of the first event.", "date"),
    "fct_sessions.session_date", "session_date", "1 day",
)  # fmt: skip
_BY_DEVICE = _by(
    "sessions_by_device", "Sessions by device", DEVICE, _SESSION_FILTERS.device, "session_count desc, device"
)
_BY_CHANNEL = _by(
    "sessions_by_channel",
    "Sessions by channel",
    CHANNEL,
    _SESSION_FILTERS.channel,
    "session_count desc, channel",
)

# Sessions are counted by duration before the median is taken: a few thousand rows instead of one per session.
_BEHAVIOR = Report(
    "behavior_summary",
    "Session duration and time to purchase",
    f"One row over all sessions of the period. {_SESSION_RULE} A session of one event lasts 0 seconds. Time to purchase"
    " runs from the first event of a session to its first purchase, in sessions that have one.",
    requires=("fct_sessions",),
    columns=(
        Column(
            "median_duration_seconds", "Median time from the first event of a session to its last.", "seconds"
        ),
        Column(
            "average_duration_seconds", "Mean time from the first event of a session to its last.", "seconds"
        ),
        Column("events_per_session", "Mean number of events per session.", "number"),
        Column("bounce_rate", "Share of sessions with a single event.", "share"),
        Column(
            "median_time_to_purchase_seconds",
            "Median time to purchase; undefined without purchases.",
            "seconds",
        ),
    ),
    sql="""
        with

        lengths as (
            select
                duration_seconds,
                count(*) as session_count,
                sum(event_count) as event_count,
                count(*) filter (where event_count = 1) as single_event_count
            from gold.fct_sessions
            where not is_bot and {sessions}
            group by duration_seconds
        ),

        running as (
            select
                *,
                sum(session_count) over (order by duration_seconds) as cumulative_count,
                sum(session_count) over () as total_count
            from lengths
        )

        select
            (
                min(duration_seconds) filter (where cumulative_count * 2 >= total_count)
                + min(duration_seconds) filter (where cumulative_count * 2 > total_count)
            ) / 2 as median_duration_seconds,
            sum(duration_seconds * session_count) / sum(session_count) as average_duration_seconds,
            sum(event_count) / sum(session_count) as events_per_session,
            sum(single_event_count) / sum(session_count) as bounce_rate,
            (select median(seconds_to_purchase) from gold.fct_sessions where not is_bot and {sessions})
                as median_time_to_purchase_seconds
        from running
    """,
    filter_columns={"sessions": _SESSION_FILTERS},
    entities=_EVENTS,
)

_DURATION_BINS = ((0, "0 s"), (1, "under 30 s"), (30, "30 s to 1 min"), (60, "1 to 3 min"), (180, "3 to 5 min"),
            (300, "5 to 10 min"), (600, "10 to 20 min"), (1200, "20 to 30 min"), (1800, "30 to 60 min"),
            (3600, "1 h or more"))  # fmt: skip
_PURCHASE_TIME_BINS = ((0, "under 1 min"), (60, "1 to 3 min"), (180, "3 to 5 min"), (300, "5 to 10 min"), (600, "10 to 20 min"),
          (1200, "20 to 30 min"), (1800, "30 to 60 min"), (3600, "1 to 2 h"), (7200, "2 h or more"))  # fmt: skip


def _bin_number(value: str, bins: tuple[tuple[int, str], ...]) -> str:
    """Return a SQL expression for the number of a value's bin, from 1; a bin ends below the lower bound of the next."""
    whens = [f"when {value} < {bound} then {number}" for number, (bound, _) in enumerate(bins[1:], 1)]
    return f"case {' '.join(whens)} else {len(bins)} end"


def _histogram(
    name: str, title: str, definition: str, value: str, bins: tuple[tuple[int, str], ...]
) -> Report:
    labels = ", ".join(f"({number}, '{label}')" for number, (_, label) in enumerate(bins, 1))
    return Report(
        name,
        title,
        definition,
        requires=("fct_sessions",),
        columns=(
            Column("bin_number", "Number of the range, the shortest first.", "count"),
            Column("duration", "Range: from its lower bound to just below its upper bound.", "text"),
            Column("session_count", "Sessions in the range.", "count"),
            Column("share", "Share of all these sessions.", "share"),
            Column("cumulative_share", "Share of sessions in this range or a shorter one.", "share"),
        ),
        sql=f"""
            with

            counted as (
                select {_bin_number(value, bins)} as bin_number, count(*) as session_count
                from gold.fct_sessions
                where not is_bot and {value} is not null and {{sessions}}
                group by bin_number
            ),

            histogram as (
                select bins.bin_number, bins.duration, coalesce(counted.session_count, 0) as session_count
                from (values {labels}) as bins (bin_number, duration)
                left join counted on bins.bin_number = counted.bin_number
            )

            select
                bin_number,
                duration,
                session_count,
                session_count / nullif(sum(session_count) over (), 0) as share,
                sum(session_count) over (order by bin_number) / nullif(sum(session_count) over (), 0) as cumulative_share
            from histogram
            order by bin_number
        """,
        filter_columns={"sessions": _SESSION_FILTERS},
        entities=_EVENTS,
    )


_SESSION_DURATION = _histogram(
    "session_duration",
    "Session duration",
    f"Sessions by the time from their first event to their last. {_SESSION_RULE} A session of one event lasts 0 seconds.",
    "duration_seconds",
    _DURATION_BINS,
)
_TIME_TO_PURCHASE = _histogram(
    "time_to_purchase",
    "Time to purchase",
    "Sessions with a purchase, by the time from their first event to their first purchase; bots are excluded.",
    "seconds_to_purchase",
    _PURCHASE_TIME_BINS,
)

# Converting each start to the shop's time zone would take a second for five million sessions. UTC offsets are multiples
# of 15 minutes, so sessions are counted by quarter of an hour first.
_BY_HOUR = Report(
    "sessions_by_hour",
    "Sessions by hour and weekday",
    f"Sessions by the hour and weekday of their first event, in the shop's time zone, summed over the period. {_SESSION_RULE}",
    requires=("fct_sessions",),
    columns=(
        Column("weekday_number", "1 for Monday to 7 for Sunday.", "count"),
        Column("weekday", "Name of the weekday.", "text"),
        Column("hour", "Hour of the day, 0 to 23.", "count"),
        SESSION_COUNT,
        PURCHASE_SESSION_COUNT,
        SESSION_CONVERSION_RATE,
    ),
    sql="""
        with

        quarters as (
            select
                epoch_us(session_start_at) // 900000000 as quarter,
                count(*) as session_count,
                count(*) filter (where is_converted) as purchase_session_count
            from gold.fct_sessions
            where not is_bot and {sessions}
            group by quarter
        ),

        quarters_local as (
            select
                to_timestamp(quarter * 900) at time zone $timezone as start_at,
                session_count,
                purchase_session_count
            from quarters
        ),

        counted as (
            select
                isodow(start_at) as weekday_number,
                hour(start_at) as hour,
                sum(session_count) as session_count,
                sum(purchase_session_count) as purchase_session_count
            from quarters_local
            group by all
        )

        select
            weekdays.number::integer as weekday_number,
            ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][weekdays.number]
                as weekday,
            hours.number::integer as hour,
            coalesce(counted.session_count, 0)::bigint as session_count,
            coalesce(counted.purchase_session_count, 0)::bigint as purchase_session_count,
            counted.purchase_session_count / counted.session_count as session_conversion_rate
        from range(1, 8) as weekdays (number)
        cross join range(24) as hours (number)
        left join counted on weekdays.number = counted.weekday_number and hours.number = counted.hour
        order by weekdays.number, hours.number
    """,
    filter_columns={"sessions": _SESSION_FILTERS},
    entities=_EVENTS,
)

SESSION_REPORTS = (
    _SUMMARY,
    _ENGAGEMENT,
    _ENGAGEMENT_LATEST,
    _BY_DAY,
    _BY_DEVICE,
    _BY_CHANNEL,
    _BEHAVIOR,
    _SESSION_DURATION,
    _TIME_TO_PURCHASE,
    _BY_HOUR,
)
