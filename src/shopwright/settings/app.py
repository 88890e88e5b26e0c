"""Who may see the app."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from shopwright.core.openid import normalize_email
from shopwright.settings.strict import Strict


def _check_account(account: str) -> str:
    if account.startswith("sub:") and len(account) > len("sub:"):
        return account
    is_address = account.count("@") == 1 and not account.endswith("@") and not set(account) & set(" *")
    if not is_address:
        raise ValueError(
            f"'{account}' is no account. Give an e-mail address, a domain (@shop.example) or a subject (sub:ID)"
        )
    return normalize_email(account)


class AppSettings(Strict):
    """Who may see the app, where its visitors log in with an OpenID provider."""

    allowed: tuple[Annotated[str, AfterValidator(_check_account)], ...] = ()
    """Accounts: e-mail addresses that the provider has verified, `@shop.example` for all of a domain, or `sub:ID` for the
    provider's own id of an account. The provider is named in `service/app-login.toml`; each requires the other."""
