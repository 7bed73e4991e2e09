"""The vocabulary: what every metric means, what each platform counts under it and since when, and what may be added."""
