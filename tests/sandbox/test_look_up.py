"""The sandbox shows a look-up: a customer's question, the model's call, the shop's answer."""

import pytest

from handoff_sandbox.page import look_ups
from handoff_sandbox.page.stage import Stage

PATIENCE = 60

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path, ("http://127.0.0.1:1",))
    yield made
    made.stop()


def test_where_is_my_order_4711_is_answered_from_the_shop(stage):
    stage.start_bot()
    stage.wait_for_a_starting_bot()
    (nora,) = stage.player.play("order-status")
    stage.slack.wait_for(lambda: bool(stage.twilio.phone(nora.address)), PATIENCE)

    (said,) = stage.twilio.phone(nora.address)
    assert said.body.endswith("Your order is shipped and arrives on 2026-12-02.")
    assert any(one.who == "shop" and one.status == 200 for one in stage.journal.entries())
    (made,) = look_ups.newest(stage.database)
    assert (made["name"], made["outcome"]) == ("order_status", "ok")
    assert made["address"] == f"{stage.shop.url}/orders/{{number}}"
    assert made["shown"].splitlines() == ["Status: shipped", "Carrier: DHL", "Arrives: 2026-12-02"]
