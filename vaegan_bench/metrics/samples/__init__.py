"""Metrics on samples: how near their distribution is to that of real images, and whether they repeat any."""
