"""What the evidence says, for a person at a terminal."""
