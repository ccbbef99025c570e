"""Worker processes of this machine: what they do, and the messages between them and the process of the command."""
