"""The report as one page: its content as plain data, and the templates that lay it out. Uses no network."""
