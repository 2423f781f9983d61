"""Understanding: intents, typed entities, language."""
