"""The hands: the plan, the drivers that touch the world, protection and recovery."""
