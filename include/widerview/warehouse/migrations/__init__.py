"""Alembic's environment and the warehouse's revisions."""
