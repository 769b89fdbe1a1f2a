"""Somewhere to trade: adapters behind the Venue port."""
