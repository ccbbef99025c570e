"""How a network becomes a program: its operations are recorded, translated and folded."""
