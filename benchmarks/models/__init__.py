"""Features and training beside pandas and scikit-learn doing the same."""
