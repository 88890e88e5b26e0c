"""An OpenID provider on this machine: metadata, keys, a log-in that asks nothing, and signed identity tokens."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from types import TracebackType

CLIENT_ID, CLIENT_SECRET = "shopwright", "of the client"


@dataclass
class OpenIdProvider:
    """A provider that logs in whoever comes as one account."""

    account: dict[str, Any]
    """Claims of the account, such as ``sub`` and ``email``."""
    issued_at: float | None = None
    """Time of the next identity token, in seconds since 1970; now by default."""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1", "use": "sig"}))
    signing_key: RSAKey | None = None
    """Key that signs in place of the published one."""
    nonces: dict[str, str | None] = field(default_factory=dict)
    """Nonce by code that was handed out."""

    def __enter__(self) -> Self:
        provider = self

        class Handler(_Handler):
            pass

        Handler.provider = provider
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def settings(self) -> str:
        """Return the section of the app's file that names this provider."""
        values = {
            "redirect_uri": "http://127.0.0.1:{port}/oauth2callback",
            "cookie_secret": secrets.token_hex(32),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "server_metadata_url": f"{self.issuer}/.well-known/openid-configuration",
        }
        return "[auth]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())

    def metadata(self) -> dict[str, Any]:
        """Return what the provider states of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        }

    def identity_token(self, code: str) -> str:
        """Return a signed token of the account."""
        issued_at = int(self.issued_at or time.time())
        claims = self.account | {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": issued_at,
            "exp": int(time.time()) + 3_600,
            "nonce": self.nonces.pop(code),
        }
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signing_key or self.key)


class _Handler(BaseHTTPRequestHandler):
    provider: OpenIdProvider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._send(self.provider.metadata())
        elif parts.path == "/keys":
            self._send({"keys": [self.provider.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            code = secrets.token_hex(8)
            self.provider.nonces[code] = query.get("nonce")
            self.send_response(302)
            self.send_header(
                "Location", query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})
            )
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = self.provider.identity_token(body["code"][0])
        self._send({"access_token": "x", "token_type": "Bearer", "expires_in": 3_600, "id_token": token})

    def _send(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
