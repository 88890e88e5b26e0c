"""The script that ``streamlit run`` starts.

It is not beside the folder ``pages``, which Streamlit would take for a menu of its own: a reader who opens the address of
a page would see that page alone, without the app around it.
"""

from shopwright.app.main import main

main()
