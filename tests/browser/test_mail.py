"""The mail to the team as people see it: narrow and wide, light and dark, whatever a customer wrote."""

from datetime import timedelta

import pytest

from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.services.notifications.notifications import Notice, mail_about
from tests.browser.conftest import findings

pytestmark = pytest.mark.browser

MAIL = mail_about(
    Notice(
        ticket=12,
        contact="محمد " + "W" * 60,
        channel="whatsapp",
        reason=Signal.SENTIMENT,
        priority=Priority.URGENT,
        evidence="<script>document.title = 'taken'</script>\n" + "x" * 900,
        summary="https://example.com/" + "a" * 400,
        waited=timedelta(minutes=65),
        vip=True,
        link="https://acme.slack.com/archives/C1/p1",
    ),
    "ops@example.com",
    "id",
    "thread",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1024])
def test_a_mail_can_be_read(chromium, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 600}, color_scheme=scheme)
    page = context.new_page()
    page.set_content(MAIL.html)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() == MAIL.subject
    assert page.get_by_role("link").count() == 1
    assert findings(page) == []
    context.close()
