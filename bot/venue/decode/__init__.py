"""Replies of exchanges, decoded: pure, one module an exchange."""
