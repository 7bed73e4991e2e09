-- What an earlier use in the same transaction has left in staging.
TRUNCATE staged_quarantine
