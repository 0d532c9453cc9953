"""Many runs of one drill, held against one promise: what they show together, and what they do not."""
