"""One small module per fault."""
