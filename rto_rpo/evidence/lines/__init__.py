"""What a line of the chain says, who signed it, and what the lines say of each other."""
