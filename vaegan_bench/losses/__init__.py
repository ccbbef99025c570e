"""Terms of games, by kind."""
