"""Who may see the app: the log-in in front of every page, and the end of a session.

Without a log-in the app is for this machine alone: it does not open on an address that others reach, through a proxy, or
under a name that is not this machine's. With one, a visitor gets the form and nothing else, so that no page runs for them
and the key of the service is never used for them.

The log-in is that of an OpenID provider where the project names one, else that of a password. A session with a password is that
of one browser tab; it ends after some hours, when it is idle, when the password changes, and with the button. With a provider
Streamlit keeps a signed cookie for all tabs; that it is recent and the account still allowed is checked at every run.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from math import ceil
from time import monotonic, time
from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import data
from shopwright.core.addresses import is_forwarded, is_local_name, is_loopback
from shopwright.core.attempts import AttemptLimit
from shopwright.core.errors import AccessError
from shopwright.core.openid import has_provider, is_allowed
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
        ConfigurationError: the file of the password or of the provider is damaged or gone.
    """
    project = data.project()
    if has_provider(project.app_login, project.settings.app.allowed):
        return _is_admitted_by_provider(project.settings.app.allowed)
    stored = read_password(project.app_password)
    if stored is None:
        _check_local()
    elif not _has_session(stored):
        _show_form(stored)
        return False
    return True


def show_logout() -> None:
    """Show the button that ends the session; nothing where the app has no log-in."""
    is_logged_in = _SESSION in st.session_state or _has_cookie()
    if is_logged_in and st.sidebar.button("Log out", icon=":material/logout:"):
        log_out()
        st.rerun()


def log_out() -> None:
    """End the session, and forget what its pages held."""
    st.session_state.clear()
    if _has_cookie():
        st.logout()


def check_session() -> None:
    """Refuse what a page does after its session has ended, such as in a callback that runs before the page does.

    Raises:
        AccessError: the app has a log-in, and this session has not passed it or has ended.
    """
    project = data.project()
    if has_provider(project.app_login, project.settings.app.allowed):
        is_open = _is_recent() and is_allowed(st.user, project.settings.app.allowed)
    else:
        stored = read_password(project.app_password)
        is_open = stored is None or _has_session(stored)
    if not is_open:
        raise AccessError("Your session has ended. Reload the page and log in")


def _is_admitted_by_provider(allowed: tuple[str, ...]) -> bool:
    if not _is_recent():
        st.title("Log in")
        if st.button("Log in with your account", type="primary"):
            st.login()
        return False
    if not is_allowed(st.user, allowed):
        st.title("No access")
        st.write("Your account may not see this app. Ask whoever runs it, or log in with another one.")
        show_logout()
        return False
    return True


def _has_cookie() -> bool:
    """Return whether the visitor came with a cookie that Streamlit has signed after a log-in at the provider."""
    return st.user.get("is_logged_in") is True


def _is_recent() -> bool:
    """Return whether the provider has confirmed the visitor within the length of a session."""
    issued_at = st.user.get("iat")
    return _has_cookie() and isinstance(issued_at, int | float) and time() - issued_at <= SESSION_SECONDS


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
