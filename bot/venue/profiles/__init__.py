"""Exchanges we know: one module each, declared and never derived."""
