"""What a person can answer about a report, as the buttons say it. Light: every DAG file of a report reads it."""

APPROVE, SEND_BACK, HOLD = "Approve", "Send back", "Hold"
"""To a review."""

COMPOSE_AGAIN, SEND_NOTHING = "Compose again", "Send nothing"
"""To a report that is held."""

NO_ANSWER = "No answer"
"""What stands for an answer that has not come in time."""

MOST_STRIKEABLE = 12
"""So many of a report's sentences can be struck, by their number."""
