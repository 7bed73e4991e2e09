"""`python -m widerview.demo`."""

from widerview.demo.run import app

app()
