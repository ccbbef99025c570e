"""The question and its plan: study files, runs and their identity. Nothing is trained here."""
