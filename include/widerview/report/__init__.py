"""The report: facts, sentences, charts, email."""
