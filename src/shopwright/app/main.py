"""The menu, the side bar and the current page; ``entry/start.py`` is the script that Streamlit runs."""

from __future__ import annotations

import streamlit as st

from shopwright.app import access, components, data, filters
from shopwright.app.formatting import escape_markdown
from shopwright.app.pages import PAGES, Page
from shopwright.core.errors import ShopwrightError


def _build_menu() -> dict[str, list[st.Page]]:
    menu: dict[str, list[st.Page]] = {}
    for page in PAGES:
        entry = st.Page(page.path, title=page.title, url_path=page.url_path, default=page is PAGES[0])
        menu.setdefault(page.section, []).append(entry)
    return menu


def _find_page(title: str) -> Page:
    return next(page for page in PAGES if page.title == title)


def main() -> None:
    """Draw the menu and the current page for who may see it; an expected error is shown on the page."""
    st.set_page_config(page_title="Shopwright", layout="wide")
    try:
        if not access.is_admitted():
            # the address stays that of the page, which a visitor sees once logged in
            st.navigation(_build_menu(), position="hidden")
            return
        current = st.navigation(_build_menu(), expanded=True)
        st.sidebar.markdown(f"**{escape_markdown(data.project().settings.shop.name)}**")
        access.show_logout()
        filters.draw_sidebar(_find_page(current.title).filters)
        current.run()
    except ShopwrightError as error:
        components.show_error(error)


if __name__ == "__main__":
    main()
