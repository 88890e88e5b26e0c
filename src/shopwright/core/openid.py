"""Log-in of the app's visitors with an OpenID provider: the file that names it, and whom of its accounts the shop admits."""

from __future__ import annotations

import stat
import tomllib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shopwright.core.addresses import is_loopback
from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CALLBACK = "/oauth2callback"
"""Path that the provider sends visitors back to."""
MIN_SECRET_LENGTH = 32
"""Characters of the secret that signs the cookie of a log-in."""
_TEXTS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")


def has_provider(file: Path, allowed: Sequence[str]) -> bool:
    """Return whether visitors of the app log in with an OpenID provider.

    Args:
        file: names the provider in its section ``[auth]``, as Streamlit reads it.
        allowed: the accounts that the settings admit.

    Raises:
        ConfigurationError: the file is damaged, incomplete or readable by all, or one of file and accounts is there without
            the other. None of these may open the app, to this machine or to every account of the provider.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        mode = file.stat().st_mode
    except FileNotFoundError:
        if allowed:
            raise ConfigurationError(
                f"[app] allowed names who may log in, and {file} is missing. Restore it, or remove the setting"
            ) from None
        return False
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}. Correct or remove it") from None
    if mode & stat.S_IROTH:
        raise ConfigurationError(
            f"{file} holds secrets, and every user of this machine can read it. Run `chmod 600 {file}`"
        )
    section = values.get("auth")
    _check(section if isinstance(section, dict) else {}, file)
    if not allowed:
        raise ConfigurationError(
            f"{file} names an OpenID provider, and nobody may log in. List e-mail addresses, domains (@shop.example) or "
            "subjects (sub:ID) in [app] allowed, or every account of the provider could be yours"
        )
    return True


def is_allowed(claims: Mapping[str, object], allowed: Sequence[str]) -> bool:
    """Return whether an account is one of those that the settings admit.

    An address counts only where the provider says that it verified it: at many providers anyone may state any address.

    Args:
        claims: of the account's identity token, after its signature was checked.
        allowed: addresses, domains that begin with ``@``, and subjects that begin with ``sub:``.
    """
    subject, email = claims.get("sub"), claims.get("email")
    names = {f"sub:{subject}"} if isinstance(subject, str) and subject else set()
    is_verified = claims.get("email_verified") in (True, "true")
    if is_verified and isinstance(email, str) and email.count("@") == 1 and not email.startswith("@"):
        email = normalize_email(email)
        names |= {email, email[email.index("@") :]}
    return not names.isdisjoint(allowed)


def normalize_email(email: str) -> str:
    """Return an address in lower case. One with other letters than ASCII stays: some of those become ASCII in lower case."""
    return email.lower() if email.isascii() else email


def _check(section: Mapping[str, object], file: Path) -> None:
    absent = [
        name for name in _TEXTS if not isinstance(section.get(name), str) or not str(section[name]).strip()
    ]
    if absent:
        raise ConfigurationError(f"{file}: [auth] has no {', '.join(absent)}. Add what the provider gave you")
    if len(str(section["cookie_secret"])) < MIN_SECRET_LENGTH:
        raise ConfigurationError(
            f"{file}: cookie_secret is shorter than {MIN_SECRET_LENGTH} characters. Make one with `openssl rand -hex 32`"
        )
    for name in ("redirect_uri", "server_metadata_url"):
        address = urlsplit(str(section[name]).replace("{port}", "1"))
        is_safe = address.scheme == "https" or (
            address.scheme == "http" and is_loopback(address.hostname or "")
        )
        if not is_safe:
            raise ConfigurationError(f"{file}: {name} must begin with https://, except on this machine")
    if not str(section["redirect_uri"]).endswith(CALLBACK):
        raise ConfigurationError(f"{file}: redirect_uri must end with {CALLBACK}")
