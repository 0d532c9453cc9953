"""Evidence held against itself: every hash, signature, story and verdict again."""
