"""A cluster of Dask: how its workers do tasks, and how results and messages come back."""
