"""How far a study is, and what the same command would do again, from its folder. Nothing is written or waited for."""
