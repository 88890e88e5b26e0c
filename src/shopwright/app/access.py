"""Who may see the app: the log-in in front of every page, and the end of a session.

Without a password the app is for this machine alone: it does not open on an address that others reach, through a proxy, or
under a name that is not this machine's. With one, a visitor gets the form and nothing else, so that no page runs for them
and the key of the service is never used for them. A session is that of one browser tab; it ends after some hours, when it is
idle, when the password changes, and with the button.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import data
from shopwright.core.addresses import is_forwarded, is_local_name, is_loopback
from shopwright.core.attempts import AttemptLimit
from shopwright.core.errors import AccessError
from shopwright.core.passwords import PasswordHash, is_password, read_password

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION_SECONDS = 12 * 3_600.0
"""Length of a session at most."""
IDLE_SECONDS = 3_600.0
"""Time without any interaction after which a session ends."""
MAX_FAILURES = 5
"""Wrong passwords of one address in one window; further ones are not looked at."""
WINDOW_SECONDS = 300.0
LOGGER = logging.getLogger("shopwright.app")
_SESSION = "_login"


@dataclass(slots=True)
class _Login:
    """The log-in of one browser tab."""

    started_at: float
    seen_at: float
    salt: str
    """Salt of the password that was given; another password has another one."""


@dataclass(slots=True)
class _Door:
    """Wrong passwords of all visitors. One password is hashed at a time, since each takes much memory."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    limit: AttemptLimit = field(default_factory=lambda: AttemptLimit(MAX_FAILURES, WINDOW_SECONDS))


_DOOR = _Door()
"""Of the process. Not in Streamlit's cache, which any visitor may tell the server to clear."""


def is_admitted() -> bool:
    """Return whether the visitor may see the page; where not, the log-in is shown in its place.

    Raises:
        AccessError: nobody may see the app as it was started or reached.
        ConfigurationError: the file of the password is damaged or gone.
    """
    stored = read_password(data.project().app_password)
    if stored is None:
        _check_local()
    elif not _has_session(stored):
        _show_form(stored)
        return False
    return True


def show_logout() -> None:
    """Show the button that ends the session; nothing where the app has no password."""
    if _SESSION in st.session_state and st.sidebar.button("Log out", icon=":material/logout:"):
        log_out()
        st.rerun()


def log_out() -> None:
    """End the session, and forget what its pages held."""
    st.session_state.clear()


def check_session() -> None:
    """Refuse what a page does after its session has ended, such as in a callback that runs before the page does.

    Raises:
        AccessError: the app has a password, and this session has not given it or has ended.
    """
    stored = read_password(data.project().app_password)
    if stored is not None and not _has_session(stored):
        raise AccessError("Your session has ended. Reload the page and log in")


def _check_local() -> None:
    """Refuse visitors from elsewhere to an app without a password.

    Raises:
        AccessError: says how to set a password.
    """
    headers: Mapping[str, str] = st.context.headers
    reason = ""
    if not is_loopback(str(st.get_option("server.address") or "")):
        reason = "This app listens to other machines"
    elif is_forwarded(headers):
        reason = "A proxy forwarded this request"
    elif not is_local_name(headers.get("Host", "localhost")):
        reason = "This app responds to localhost only"
    if reason:
        raise AccessError(f"{reason}, and it has no password. Set one with `shopwright keys password`")


def _has_session(stored: PasswordHash) -> bool:
    login = st.session_state.get(_SESSION)
    now = monotonic()
    if not isinstance(login, _Login):
        return False
    is_over = now - login.started_at > SESSION_SECONDS or now - login.seen_at > IDLE_SECONDS
    if is_over or login.salt != stored.salt:
        log_out()
        return False
    login.seen_at = now
    return True


def _show_form(stored: PasswordHash) -> None:
    st.title("Log in")
    with st.form("login", clear_on_submit=True):
        password = st.text_input("Password", type="password", max_chars=1_024)
        is_submitted = st.form_submit_button("Log in", type="primary")
    if not is_submitted:
        return
    if seconds := _try(password, stored, st.context.ip_address or "local"):
        st.error(f"Too many wrong passwords. Try again in {ceil(seconds / 60)} minutes.")
    elif _SESSION in st.session_state:
        st.rerun()
    else:
        st.error("This is not the password.")


def _try(password: str, stored: PasswordHash, address: str) -> float:
    """Begin a session if the password is right.

    Returns:
        Seconds for which the address may not try again; 0 where the password was looked at.
    """
    with _DOOR.lock:
        now = monotonic()
        if seconds := _DOOR.limit.wait_seconds(address, now):
            return seconds
        if is_password(password, stored):
            st.session_state[_SESSION] = _Login(now, now, stored.salt)
        elif _DOOR.limit.fail(address, now):
            LOGGER.warning("wrong password for the app; logged once in %d s", WINDOW_SECONDS)
    return 0.0
