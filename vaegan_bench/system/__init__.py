"""What lies below everything: errors, paths, files, devices, random numbers, code. Nothing here knows a plugin."""
