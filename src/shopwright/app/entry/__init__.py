"""The script that Streamlit starts, and nothing else."""
