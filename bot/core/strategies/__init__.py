"""The strategies: each sees a View and proposes; a new one is one file and one line."""
