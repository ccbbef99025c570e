"""The report as one page: what stands in it, as plain data, and the templates that lay it out. Reads no network."""
