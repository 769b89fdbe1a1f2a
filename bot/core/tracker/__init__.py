"""The state tracker: lists from a provider become things with an identity and a life."""
