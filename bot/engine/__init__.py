"""The loop that turns events into commands, and what stands around it."""
