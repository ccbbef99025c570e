"""The templates of `vaegan-bench new`: one working plugin per kind.

Each file is a complete plugin with the name 'my-plugin', which is replaced by the author's name.
"""
