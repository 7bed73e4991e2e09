"""Landing: every raw answer kept as received, addressed by its content, never edited after the write."""
