"""How far a study is, and what the same command would do again, from its folder. No module here writes or waits."""
