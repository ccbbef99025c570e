"""What `vaegan-bench new` writes: one working plugin per kind, its test, and a package around them.

Each file is a plugin as it stands, called 'my-plugin'; writing one puts the author's name in place of that.
"""
