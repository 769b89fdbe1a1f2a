"""The verbs: pure and synchronous. `step(state, event)` decides; nothing here does."""
