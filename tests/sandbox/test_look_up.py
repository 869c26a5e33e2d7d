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


def test_is_it_in_stock_is_answered_by_the_shop_s_mcp_server(stage):
    stage.start_bot()
    stage.wait_for_a_starting_bot()
    for _ in range(2):  # the second time, the server is known
        (nora,) = stage.player.play("in-stock")
        said = stage.journal.wait_for(lambda one, to=nora.address: is_to(one, to), PATIENCE)
        assert said.request["Body"].endswith("We have 12 pieces of the rain jacket.")

    calls = [one.request for one in stage.journal.entries("mcp") if one.request]
    assert [one["method"] for one in calls].count("tools/call") == 2
    assert stage.slack.views(stage.world.mia) == []
    made = look_ups.newest(stage.database)[0]
    assert made["address"] == stage.stock.url
    assert "12" in made["shown"]


def is_to(one, address):
    return one.who == "twilio" and one.method == "POST" and one.request.get("To") == address
