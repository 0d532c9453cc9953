"""The commands, one small file a subject. What they need is imported when they run: `--help` stays quick."""
