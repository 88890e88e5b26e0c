"""The menu, the side bar, and the page that is open; ``entry/start.py`` is what Streamlit starts."""

from __future__ import annotations

import streamlit as st

from shopwright.app import data, filters, tiles
from shopwright.app.pages import PAGES, Page
from shopwright.core.errors import ShopwrightError


def _menu() -> dict[str, list[st.Page]]:
    menu: dict[str, list[st.Page]] = {}
    for page in PAGES:
        entry = st.Page(page.path, title=page.title, url_path=page.address, default=page is PAGES[0])
        menu.setdefault(page.section, []).append(entry)
    return menu


def _shown(title: str) -> Page:
    return next(page for page in PAGES if page.title == title)


def main() -> None:
    """Draw the menu and the page that is open; what goes wrong as expected is told on the page."""
    st.set_page_config(page_title="Shopwright", layout="wide")
    opened = st.navigation(_menu(), expanded=True)
    try:
        st.sidebar.markdown(f"**{tiles.plain(data.project().settings.shop.name)}**")
        filters.draw(_shown(opened.title).filters)
        opened.run()
    except ShopwrightError as error:
        tiles.refuse(error)


if __name__ == "__main__":
    main()
