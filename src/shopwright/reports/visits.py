"""Reports on visitors: how many come, how often, for how long, and when."""

from __future__ import annotations

from shopwright.reports.columns import BOUGHT, CHANNEL, CONVERSION, DEVICE, SESSIONS
from shopwright.reports.model import Column, Report, Scope
from shopwright.reports.periods import filled

_SESSIONS = Scope(
    day="session_date",
    device="coalesce(entry_device, '(unknown)')",
    channel="coalesce(entry_channel, '(unknown)')",
    group="experiment_group",
    user="user_id",
)
_DAYS = Scope(day="activity_date")
_PEOPLE = (
    "A session is a run of one user's events without a pause longer than the shop's limit; bots are left out."
    " Narrowed to a variant, all that its users did counts, before exposure too."
)
_EVENTS = ("events",)

_SUMMARY = Report(
    "visits_summary",
    "Visits",
    f"All sessions of the period in one row. {_PEOPLE} A cart is abandoned where its session buys nothing.",
    needs=("fct_sessions",),
    columns=(
        SESSIONS,
        Column("bot_session_count", "Sessions flagged as a bot's, left out of every other figure.", "count"),
        BOUGHT,
        CONVERSION,
        Column("cart_rate", "Sessions that put something in the cart, of all sessions.", "share"),
        Column(
            "abandonment_rate", "Sessions that buy nothing, of those with something in the cart.", "share"
        ),
    ),
    sql="""
        select
            count(*) filter (where not is_bot),
            count(*) filter (where is_bot),
            count(*) filter (where not is_bot and is_converted),
            count(*) filter (where not is_bot and is_converted) / nullif(count(*) filter (where not is_bot), 0),
            count(*) filter (where not is_bot and has_cart) / nullif(count(*) filter (where not is_bot), 0),
            count(*) filter (where not is_bot and is_abandoned)
            / nullif(count(*) filter (where not is_bot and has_cart), 0)
        from gold.fct_sessions
        where {sessions}
    """,
    scopes={"sessions": _SESSIONS},
    entities=_EVENTS,
)

_DAILY = (
    Column("daily_active_users", "Users with an event on the date (DAU); bots are left out.", "count"),
    Column("weekly_active_users", "Users with an event in the 7 days that end with the date (WAU).", "count"),
    Column(
        "monthly_active_users", "Users with an event in the 30 days that end with the date (MAU).", "count"
    ),
    Column("stickiness_rate", "DAU over MAU; undefined without active users.", "share"),
)
_ACTIVE = (
    "A user is active on a date with at least one event in a session that is no bot's (of anyone where the dbt variable include_bots is true). In the first 29 days of the data"
    " the window of MAU is shorter, as monthly_window_days says."
)

_ENGAGEMENT = Report(
    "engagement",
    "Active users (DAU, WAU, MAU)",
    f"One row a date. {_ACTIVE}",
    needs=("fct_daily_engagement",),
    columns=(
        Column("activity_date", "The date, in the shop's zone.", "date"),
        *_DAILY,
        Column("monthly_window_days", "Days that MAU really looks back on.", "count"),
        Column("new_users", "Users whose first date this is.", "count"),
        Column("returning_users", "Active users who were seen before.", "count"),
        SESSIONS,
        Column("event_count", "Events in those sessions.", "count"),
        Column("bot_session_count", "Sessions flagged as a bot's.", "count"),
    ),
    sql="""
        select
            activity_date, daily_active_users, weekly_active_users, monthly_active_users, stickiness_rate,
            monthly_window_days, new_users, returning_users, session_count, event_count, bot_session_count
        from gold.fct_daily_engagement
        where {days}
        order by activity_date
    """,
    scopes={"days": _DAYS},
    entities=_EVENTS,
)

_ENGAGEMENT_LATEST = Report(
    "engagement_latest",
    "Active users on the last date",
    f"The last date of the period in one row. {_ACTIVE}",
    needs=("fct_daily_engagement",),
    columns=(Column("activity_date", "The date, in the shop's zone.", "date"), *_DAILY),
    sql="""
        select activity_date, daily_active_users, weekly_active_users, monthly_active_users, stickiness_rate
        from gold.fct_daily_engagement
        where {days}
        order by activity_date desc
        limit 1
    """,
    scopes={"days": _DAYS},
    entities=_EVENTS,
)


def _by(name: str, title: str, column: Column, expression: str, order: str, step: str = "") -> Report:
    columns = (column, SESSIONS, BOUGHT, CONVERSION)
    grouped = f"""
            select
                {expression} as {column.name},
                count(*) as session_count,
                count(*) filter (where is_converted),
                count(*) filter (where is_converted) / count(*)
            from gold.fct_sessions
            where not is_bot and {{sessions}}
            group by {column.name}
        """
    return Report(
        name,
        title,
        f"Sessions and how many of them buy, by {column.name.replace('_', ' ')}. {_PEOPLE}",
        needs=("fct_sessions",),
        columns=columns,
        sql=filled(grouped, columns, step, columns[1:3]) if step else f"{grouped} order by {order}",
        scopes={"sessions": _SESSIONS},
        entities=_EVENTS,
    )


_BY_DAY = _by(
    "sessions_by_day", "Sessions and conversion by day", Column("session_date", "Date of the start.", "date"),
    "fct_sessions.session_date", "session_date", "1 day",
)  # fmt: skip
_BY_DEVICE = _by(
    "sessions_by_device", "Sessions by device", DEVICE, _SESSIONS.device, "session_count desc, device"
)
_BY_CHANNEL = _by(
    "sessions_by_channel", "Sessions by channel", CHANNEL, _SESSIONS.channel, "session_count desc, channel"
)

# Lengths are counted before the median is taken of them: a few thousand numbers instead of one for each session.
_BEHAVIOUR = Report(
    "behaviour_summary",
    "Session length and time to purchase",
    f"One row over all sessions of the period. {_PEOPLE} A session of one event lasts 0 seconds; time to purchase is from"
    " a session's first event to its first purchase, of sessions that have one.",
    needs=("fct_sessions",),
    columns=(
        Column("median_duration_seconds", "Median time from a session's first event to its last.", "seconds"),
        Column("average_duration_seconds", "Mean of the same.", "seconds"),
        Column("events_per_session", "Events over sessions.", "number"),
        Column("single_event_rate", "Sessions of one event, of all sessions.", "share"),
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
                sum(session_count) over (order by duration_seconds) as up_to,
                sum(session_count) over () as total
            from lengths
        )

        select
            (
                min(duration_seconds) filter (where up_to * 2 >= total)
                + min(duration_seconds) filter (where up_to * 2 > total)
            ) / 2,
            sum(duration_seconds * session_count) / sum(session_count),
            sum(event_count) / sum(session_count),
            sum(single_event_count) / sum(session_count),
            (select median(seconds_to_purchase) from gold.fct_sessions where not is_bot and {sessions})
        from running
    """,
    scopes={"sessions": _SESSIONS},
    entities=_EVENTS,
)

_LENGTHS = ((0, "0 s"), (1, "to 30 s"), (30, "30 s to 1 min"), (60, "1 to 3 min"), (180, "3 to 5 min"),
            (300, "5 to 10 min"), (600, "10 to 20 min"), (1200, "20 to 30 min"), (1800, "30 to 60 min"),
            (3600, "1 h and more"))  # fmt: skip
_TIMES = ((0, "to 1 min"), (60, "1 to 3 min"), (180, "3 to 5 min"), (300, "5 to 10 min"), (600, "10 to 20 min"),
          (1200, "20 to 30 min"), (1800, "30 to 60 min"), (3600, "1 to 2 h"), (7200, "2 h and more"))  # fmt: skip


def _cases(value: str, steps: tuple[tuple[int, str], ...]) -> str:
    """Which step a value lies on, as SQL; a step runs from its bound to below the next one."""
    whens = [f"when {value} < {bound} then {number}" for number, (bound, _) in enumerate(steps[1:], 1)]
    return f"case {' '.join(whens)} else {len(steps)} end"


def _histogram(
    name: str, title: str, definition: str, value: str, steps: tuple[tuple[int, str], ...]
) -> Report:
    names = ", ".join(f"({number}, '{text}')" for number, (_, text) in enumerate(steps, 1))
    return Report(
        name,
        title,
        definition,
        needs=("fct_sessions",),
        columns=(
            Column("step_number", "Place of the span, the shortest first.", "count"),
            Column("span", "From its lower bound to below its upper one.", "text"),
            Column("session_count", "Sessions in the span.", "count"),
            Column("share", "Of all of them.", "share"),
            Column("cumulative_share", "In this span or a shorter one.", "share"),
        ),
        sql=f"""
            with

            counted as (
                select {_cases(value, steps)} as step_number, count(*) as session_count
                from gold.fct_sessions
                where not is_bot and {value} is not null and {{sessions}}
                group by step_number
            ),

            filled as (
                select spans.step_number, spans.span, coalesce(counted.session_count, 0) as session_count
                from (values {names}) as spans (step_number, span)
                left join counted on spans.step_number = counted.step_number
            )

            select
                step_number,
                span,
                session_count,
                session_count / nullif(sum(session_count) over (), 0),
                sum(session_count) over (order by step_number) / nullif(sum(session_count) over (), 0)
            from filled
            order by step_number
        """,
        scopes={"sessions": _SESSIONS},
        entities=_EVENTS,
    )


_SESSION_LENGTH = _histogram(
    "session_length",
    "Session length",
    f"Sessions by the time from their first event to their last. {_PEOPLE} A session of one event lasts 0 seconds.",
    "duration_seconds",
    _LENGTHS,
)
_TIME_TO_PURCHASE = _histogram(
    "time_to_purchase",
    "Time to purchase",
    "Sessions with a purchase, by the time from their first event to their first purchase; bots are left out.",
    "seconds_to_purchase",
    _TIMES,
)

# Turning each start into the shop's zone would cost a second for five million sessions; no zone's clock is off by less
# than a quarter of an hour, so quarters are counted first.
_BY_HOUR = Report(
    "sessions_by_hour",
    "Sessions by hour and weekday",
    f"Sessions by the hour and weekday of their start, in the shop's zone, summed over the period. {_PEOPLE}",
    needs=("fct_sessions",),
    columns=(
        Column("weekday_number", "1 for Monday to 7 for Sunday.", "count"),
        Column("weekday", "The day's name.", "text"),
        Column("hour", "Hour of the day, 0 to 23.", "count"),
        SESSIONS,
        BOUGHT,
        CONVERSION,
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

        placed as (
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
            from placed
            group by all
        )

        select
            weekdays.number::integer as weekday_number,
            ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][weekdays.number],
            hours.number::integer as hour,
            coalesce(counted.session_count, 0)::bigint,
            coalesce(counted.purchase_session_count, 0)::bigint,
            counted.purchase_session_count / counted.session_count
        from range(1, 8) as weekdays (number)
        cross join range(24) as hours (number)
        left join counted on weekdays.number = counted.weekday_number and hours.number = counted.hour
        order by weekdays.number, hours.number
    """,
    scopes={"sessions": _SESSIONS},
    entities=_EVENTS,
)

VISITS = (
    _SUMMARY,
    _ENGAGEMENT,
    _ENGAGEMENT_LATEST,
    _BY_DAY,
    _BY_DEVICE,
    _BY_CHANNEL,
    _BEHAVIOUR,
    _SESSION_LENGTH,
    _TIME_TO_PURCHASE,
    _BY_HOUR,
)
