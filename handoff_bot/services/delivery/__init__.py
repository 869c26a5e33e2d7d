"""Messages and files on their way to customers and from them, and the texts they read."""
