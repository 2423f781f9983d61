"""What a language model may help with. It advises; flows, checks and customers decide."""
