"""One connection to one exchange: ccxt behind our own transport, limiter and clock."""
