"""Reports about deliveries: believed for messages of the same channel and customer only."""

from urllib.parse import urlencode

import pytest
from sqlmodel import col

from handoff_bot.storage.models import Delivery
from tests.attacks.test_odd_requests import signed
from tests.channels.builders import inbound_form, status_form

FIRST, SECOND = "SM" + "c" * 32, "SM" + "d" * 32


def delivery(house) -> Delivery:
    with house.database.read() as tx:
        found: Delivery = tx.session.query(Delivery).order_by(col(Delivery.id)).limit(1).one()
        return found


def report(house, kind: str, oid: str, sid: str, status: str = "delivered") -> None:
    form = tuple((dict(status_form(kind, status)) | {"MessageSid": sid}).items())
    path, query = f"/webhooks/{kind}/status", urlencode({"oid": oid})
    answer = house.client.post(
        path, data=urlencode(form), headers=signed(form, path, query), query_string=query
    )
    assert answer.status_code == 200
    house.settle()


@pytest.fixture
def answered(house) -> Delivery:
    """What we say to a customer by SMS; it has not reached Twilio."""
    form = inbound_form("sms")
    headers = signed(form, "/webhooks/sms")
    assert (
        house.client.post("/webhooks/sms", data=urlencode(form), headers=headers).status_code == 200
    )
    house.settle()
    return delivery(house)


def test_a_report_of_another_channel_has_no_effect(house, answered):
    report(house, "whatsapp", answered.oid, FIRST, "read")
    assert (delivery(house).status, delivery(house).provider_id) == (answered.status, None)
    report(house, "sms", answered.oid, FIRST)
    assert (delivery(house).status, delivery(house).provider_id) == ("delivered", FIRST)


def test_a_report_of_another_message_under_our_id_has_no_effect(house, answered):
    report(house, "sms", answered.oid, FIRST, "sent")
    report(house, "sms", answered.oid, SECOND, "failed")
    assert (delivery(house).status, delivery(house).provider_id) == ("sent", FIRST)


def test_a_report_of_another_account_is_refused(house, answered):
    form = tuple((dict(status_form("sms")) | {"AccountSid": "AC" + "9" * 32}).items())
    path, query = "/webhooks/sms/status", urlencode({"oid": answered.oid})
    answer = house.client.post(
        path, data=urlencode(form), headers=signed(form, path, query), query_string=query
    )
    assert answer.status_code == 403
