"""Texts to ids and back in plain Python, exactly as the graph of `nlpkit.text` does it."""
