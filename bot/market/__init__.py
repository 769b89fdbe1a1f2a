"""Public market data as events: adapters behind the Market port."""
