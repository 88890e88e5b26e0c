"""What a page says where the service cannot help it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import api, data
from shopwright.app.words import plain

if TYPE_CHECKING:
    from shopwright.core.errors import ServiceError

REFUSED = {"no-champion": "shopwright train abandonment"}
"""Kind of problem to the command that ends it."""


def tell_refusal(error: ServiceError) -> None:
    """Say what went wrong with a request, and what to do about it."""
    folder = data.project().root
    if error.status is None:
        st.warning(plain(f"This page asks the service, and {error}."))
        st.markdown("Start both together, in place of the app alone:")
        st.code(f"shopwright up --project {folder}", language="sh")
        st.markdown("or the service beside it, and tell the app where it is by the environment's `API_URL`:")
        st.code(f"shopwright serve --project {folder}", language="sh")
        return
    st.error(plain(f"The service at {api.address()} says: {error}"))
    if command := REFUSED.get(error.kind):
        st.code(f"{command} --project {folder}", language="sh")
