"""What ``streamlit run`` runs.

It lies apart from the folder ``pages``, which Streamlit would take for a menu of its own if it lay beside: whoever came by
the address of a page would see that page alone, without the app around it.
"""

from shopwright.app.main import main

main()
