"""A simulated agency that speaks the platforms' APIs, for the demo and the tests only."""

MATOMO_TOKEN = "5a11db0c5a11db0c5a11db0c5a11db0c"  # noqa: S105 - opens nothing but the sandbox
"""The `token_auth` the sandbox's Matomo wants."""
