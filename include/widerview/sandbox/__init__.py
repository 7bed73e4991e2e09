"""Sandbox: a simulated agency that speaks the platforms' APIs, for the demo and the tests only."""
