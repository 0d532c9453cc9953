"""The self-fencing lease: a door to a database that shuts by itself, and the proof that it has."""
