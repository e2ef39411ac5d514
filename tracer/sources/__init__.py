"""Where transfers come from: one file a provider."""
