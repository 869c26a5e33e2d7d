"""Conversations go back to the queue when the app was removed."""

from sqlmodel import select

from handoff_bot.services.escalations import cut_off
from handoff_bot.storage.models import Escalation


def test_one_that_cannot_be_released_does_not_hold_up_the_others(house, clock, monkeypatch):
    acme = house.acme
    for number in range(3):
        acme.customer_says("I want a person", f"+1555000{number}")
        acme.click(acme.ana, "claim")
    escalations = acme.core.escalations
    release = escalations.give_back

    def but_the_first(tx, escalation_id, owner, why):
        return escalation_id != 1 and release(tx, escalation_id, owner, why)

    monkeypatch.setattr(cut_off, "AT_ONCE", 2)
    monkeypatch.setattr(escalations, "give_back", but_the_first)
    cut_off.record(acme.database, escalations, clock, is_cut_off=True)
    with acme.database.read() as tx:
        found = tx.session.execute(select(Escalation).order_by(Escalation.id)).scalars()
        assert [one.status for one in found] == ["claimed", "queued", "queued"]
