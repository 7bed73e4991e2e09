"""Sources: one file a platform. `fetch` asks the API and yields raw pages; `parse` makes typed rows of them."""
