"""Measures: what the numbers mean, and how sure we are of them."""
