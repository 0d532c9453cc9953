"""How a command speaks: its answer, its progress, its errors, and how it is interrupted."""
