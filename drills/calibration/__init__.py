"""The instrument measured against itself: planted outages and losses, and what was made of them."""
