"""Articles, their passages, retrieval and answers."""
