"""A web server on loopback for scripted answers."""

from http.server import ThreadingHTTPServer


class Loopback(ThreadingHTTPServer):
    """Takes many connections at once. Beyond Python's five, a client waits a second until TCP asks again."""

    request_queue_size = 1024
