"""Delivery: the outbox, the mail server, office hours."""
