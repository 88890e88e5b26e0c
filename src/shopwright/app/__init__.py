"""The app: pages for people, over gold and the service.

A page says what stands where and holds no arithmetic: its numbers come from ``shopwright.reports``, from the registry
of models, from the room of experiments, or over HTTP from the service. Streamlit is known here alone.
"""
