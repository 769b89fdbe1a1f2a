"""The nouns: frozen, pure values that every other part speaks in."""
