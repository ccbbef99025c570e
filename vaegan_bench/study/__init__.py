"""The question and its plan: study files, papers, runs and their identity. Nothing is trained here."""
