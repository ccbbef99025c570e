"""Image files of any kind to 8-bit RGB: one array on disk, or all in memory; parallel processes load no torch."""
