"""The embedded market: traders with leverage whose liquidations move the price."""
