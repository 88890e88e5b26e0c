"""Who can reach a server: addresses of this machine, and signs that a request came through a proxy."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_FORWARDING_HEADERS = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"),
        *(
            "cf-connecting-ip",
            "cf-ray",
            "fastly-client-ip",
            "x-original-host",
            "x-original-url",
            "x-rewrite-url",
        ),
        *("x-envoy-external-address", "x-amzn-trace-id", "x-appengine-user-ip", "x-azure-clientip"),
    }
)
_HOST = re.compile(r"\[?([^\]]*?)\]?(?::\d+)?")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host.

    Args:
        host: address or host name that a server listens on.
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local_name(host: str) -> bool:
    """Return whether a header Host names this machine; a web page with a domain of its own that resolves to it does not."""
    match = _HOST.fullmatch(host)
    return match is not None and match.group(1).lower() in LOCAL_HOSTS


def is_forwarded(headers: Iterable[str]) -> bool:
    """Return whether a proxy or a tunnel added one of its headers to a request.

    Args:
        headers: names of the request's headers.
    """
    names = [name.lower() for name in headers]
    return any(name in _FORWARDING_HEADERS or name.startswith("x-forwarded-") for name in names)
