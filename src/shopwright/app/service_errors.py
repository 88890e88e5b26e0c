"""Messages of pages that need the service, where it is down or rejects a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import api_client, data
from shopwright.app.formatting import escape_markdown

if TYPE_CHECKING:
    from shopwright.core.errors import ServiceError

FIXES = {"no-champion": "shopwright train abandonment"}
"""Kind of problem to the command that fixes it."""


def show_service_error(error: ServiceError) -> None:
    """Show what went wrong with a request, and the next step."""
    folder = data.project().root
    if error.status is None:
        st.warning(escape_markdown(f"This page needs the service, but {error}."))
        st.markdown("Start the app and the service together:")
        st.code(f"shopwright up --project {folder}", language="sh")
        st.markdown("Or start the service alone, and set `API_URL` to its address for the app:")
        st.code(f"shopwright serve --project {folder}", language="sh")
        return
    st.error(escape_markdown(f"The service at {api_client.service_url()} responded: {error}"))
    if command := FIXES.get(error.kind):
        st.code(f"{command} --project {folder}", language="sh")
