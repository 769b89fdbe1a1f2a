"""Where clusters come from: a provider over HTTP, or the local engine."""
