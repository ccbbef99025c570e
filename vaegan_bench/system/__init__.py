"""The ground of the package: errors, paths, files, devices, random numbers, code. Nothing here knows a plugin."""
