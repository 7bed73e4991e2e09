"""Quality: what may be loaded, what is held back, and the verdict on each source and day."""
