"""Health checks of Twilio: credentials, and webhook URLs of the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urldefrag

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from handoff_bot.channels._twilio import TwilioAccount, client_of
from handoff_bot.domain.results import CheckResult

_TROUBLES = (TwilioException, RequestException)


def check_twilio(account: TwilioAccount) -> Iterator[CheckResult]:
    """Checks everything possible without sending a message."""
    client = client_of(account)
    try:
        status = client.api.v2010.accounts(account.account_sid).fetch().status
    except _TROUBLES as error:
        words = f"not accepted ({type(error).__name__}); check the SID and the token or API key"
        yield CheckResult("Twilio: credentials", False, words)
        return
    yield CheckResult("Twilio: credentials", status == "active", f"the account is {status}")
    if number := account.sender("sms"):
        yield _check_number(client, account, number)


def _check_number(client: Client, account: TwilioAccount, number: str) -> CheckResult:
    what = f"Twilio: {number[:-4]}····"
    wanted = f"{account.public_base_url.rstrip('/')}/webhooks/sms"
    try:
        found = client.incoming_phone_numbers.list(phone_number=number, limit=1)
    except _TROUBLES as error:
        return CheckResult(what, False, f"could not be looked up ({type(error).__name__})")
    if not found:
        return CheckResult(what, False, "is not a number of this account; check TWILIO_SMS_FROM")
    if urldefrag(found[0].sms_url or "").url != wanted:
        return CheckResult(what, False, f"set 'A message comes in' to POST {wanted}")
    return CheckResult(what, True, "points to Handoff")
