"""Signs webhooks as Twilio does, with the standard library alone: never with the code under test."""

import base64
import hashlib
import hmac


def sign(secret, url, form=(), digest=hashlib.sha1):
    """Base64 of the HMAC over the address and the form's distinct (name, value) pairs, sorted."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), digest).digest()).decode()
