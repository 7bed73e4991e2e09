"""Warehouse: what was observed, and when. PostgreSQL, from laptop to cluster."""
