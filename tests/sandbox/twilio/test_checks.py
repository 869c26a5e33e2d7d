"""The doctor on a Twilio account: what is set up wrong is named, with where and what to set."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot.channels import TwilioAccount
from handoff_bot.channels._twilio_checks import check_twilio
from handoff_bot.channels._twilio_conversation_checks import check_conversations
from handoff_sandbox.twilio.conversations import CHAT_SERVICE
from handoff_sandbox.twilio.setup_api import Hooks, Service
from handoff_sandbox.twilio.stand_in import SERVICE

PUBLIC = "https://bot.example.com"
ELSEWHERE = "https://user:secret@old.example.com/sms?key=secret"
SMS, WHATSAPP = "Twilio: SMS +1555····", "Twilio: WhatsApp +1555····"
POOL, CONVERSATIONS = f"Twilio: Messaging Service {SERVICE}", "Twilio: Conversations"
ACCOUNT = "Twilio: account"


@pytest.fixture
def account(twilio):
    return TwilioAccount(
        account_sid=twilio.account_sid,
        auth_tokens=("token",),
        public_base_url=PUBLIC,
        senders={"sms": twilio.sms_number, "whatsapp": twilio.whatsapp_number},
        messaging_service_sid=SERVICE,
        conversations_service_sid=CHAT_SERVICE,
        api_url=twilio.server.url,
        timeout=5.0,
    )


def findings(account, now=None):
    every = [*check_twilio(account, now or datetime.now(UTC)), *check_conversations(account)]
    assert len({one.what for one in every}) == len(every)
    return {one.what: one for one in every}


def wrong(found):
    return {one.what for one in found.values() if not one.ok}


def test_nothing_is_wrong_with_an_account_that_is_set_up_as_the_docs_say(twilio, account):
    found = findings(account)
    assert wrong(found) == set()
    assert found.keys() >= {"Twilio: credentials", ACCOUNT, "Twilio: balance", "clock, by Twilio"}
    assert found[SMS].words.startswith("messages reach Handoff")
    assert found[WHATSAPP].words.startswith("messages reach Handoff")
    assert found[POOL].ok
    assert found[CONVERSATIONS].words == "messages reach Handoff"


def test_it_only_reads(twilio, account):
    findings(account)
    asked = [one for one in twilio.journal.entries("twilio") if one.direction == "in"]
    assert asked
    assert {one.method for one in asked} == {"GET"}


def setting(**values):
    def change(twilio):
        for name, value in values.items():
            setattr(twilio.setup, name, value)

    return change


def service(**values):
    return lambda twilio: twilio.setup.services.__setitem__(
        0, replace(twilio.setup.services[0], **values)
    )


def webhook(channel, url):
    return lambda twilio: twilio.account.webhooks.__setitem__(channel, url)


def hooks(**values):
    return lambda twilio: [setattr(twilio.setup.hooks, *one) for one in values.items()]


def takes_over(**values):
    """The address is taken by Conversations, whose own webhooks go elsewhere."""

    def change(twilio):
        twilio.setup.hooks.post_url = "https://old.example.com"
        twilio.setup.addresses[twilio.sms_number] = {"enabled": True, **values}

    return change


OTHERS = Service("MG" + "9" * 32, "https://old.example.com/in", numbers=("+15550100",))
WRONG = [
    pytest.param(setting(status="suspended"), ACCOUNT, "suspended", id="suspended"),
    pytest.param(setting(type="Trial"), ACCOUNT, "verified numbers only", id="trial"),
    pytest.param(setting(balance="0.00"), "Twilio: balance", "add funds", id="no credit"),
    pytest.param(setting(balance="-3"), "Twilio: balance", "-3.00 USD", id="debts"),
    pytest.param(
        webhook("sms", ELSEWHERE),
        SMS,
        f"https://old.example.com/sms, so messages do not reach Handoff; set it to POST {PUBLIC}"
        "/webhooks/sms",
        id="number's webhook elsewhere",
    ),
    pytest.param(webhook("sms", ""), SMS, "is not set; set it to POST", id="number's without one"),
    pytest.param(setting(sms_method="GET"), SMS, "choose HTTP POST", id="number by GET"),
    pytest.param(setting(sms_application_sid="AP1"), SMS, "TwiML App AP1", id="TwiML App"),
    pytest.param(setting(sends_sms=False), SMS, "cannot send SMS", id="voice only"),
    pytest.param(
        lambda twilio: twilio.setup.services.append(OTHERS), SMS, "wins", id="another service wins"
    ),
    pytest.param(service(defers=False, inbound_url=None), POOL, "drops", id="service drops"),
    pytest.param(
        service(defers=False, inbound_url=ELSEWHERE),
        POOL,
        "old.example.com",
        id="service elsewhere",
    ),
    pytest.param(
        service(defers=False, inbound_method="GET"), POOL, "choose HTTP POST", id="service by GET"
    ),
    pytest.param(service(numbers=()), POOL, "Sender Pool is empty", id="empty pool"),
    pytest.param(webhook("sms", ELSEWHERE), POOL, "+1555····", id="number of the pool elsewhere"),
    pytest.param(
        lambda twilio: twilio.setup.services.clear(), POOL, "not in this account", id="no service"
    ),
    pytest.param(
        service(numbers=("+15550100", "+15550102"), sticky=False),
        POOL,
        "Sticky Sender is off",
        id="not sticky",
    ),
    pytest.param(setting(sender_status=""), WHATSAPP, "no WhatsApp sender", id="no sender"),
    pytest.param(
        setting(sender_status="OFFLINE", offline_reasons=("63020",)),
        WHATSAPP,
        "OFFLINE (Twilio error 63020)",
        id="offline",
    ),
    pytest.param(
        webhook("whatsapp", ELSEWHERE), WHATSAPP, "'Webhook URL' is https://old", id="sender's"
    ),
    pytest.param(setting(sender_method="PUT"), WHATSAPP, "called with PUT", id="sender by PUT"),
    pytest.param(hooks(post_url=ELSEWHERE), CONVERSATIONS, "'Post-event URL' is", id="hooks"),
    pytest.param(hooks(method="GET"), CONVERSATIONS, "choose HTTP POST", id="hooks by GET"),
    pytest.param(hooks(filters=None), CONVERSATIONS, "no message arrives", id="no events"),
    pytest.param(
        hooks(filters=["onMessageAdded"]),
        CONVERSATIONS,
        "onDeliveryUpdated is off",
        id="no reports",
    ),
    pytest.param(
        setting(hooks=Hooks(), global_hooks=Hooks(target="flex")), CONVERSATIONS, "Flex", id="Flex"
    ),
    pytest.param(
        takes_over(type="studio", studio_flow_sid="FW1"),
        f"{CONVERSATIONS} +1555····",
        "a Studio flow takes the messages",
        id="Studio takes the number",
    ),
    pytest.param(
        takes_over(type="default"),
        f"{CONVERSATIONS} +1555····",
        "Conversations takes the messages",
        id="Conversations takes the number",
    ),
    pytest.param(
        takes_over(type="webhook", webhook_url=ELSEWHERE, webhook_filters=["onMessageAdded"]),
        f"{CONVERSATIONS} +1555····",
        "turn off auto-creation",
        id="address's webhook elsewhere",
    ),
]


@pytest.mark.parametrize(("change", "what", "said"), WRONG)
def test_what_is_wrong_is_named_with_what_to_set(twilio, account, change, what, said):
    change(twilio)
    found = []
    for one in (*check_twilio(account, datetime.now(UTC)), *check_conversations(account)):
        assert "secret" not in one.line()
        assert twilio.sms_number not in one.line()
        found.append(one)
    failed = [one for one in found if one.what == what and not one.ok]
    assert len(failed) == 1
    assert said in failed[0].words


RIGHT = [
    pytest.param(webhook("sms", f"{PUBLIC}/webhooks/sms#rc=2&rp=all"), SMS, id="overrides"),
    pytest.param(
        webhook("sms", "https://BOT.example.com/webhooks/sms"), SMS, id="case of the host"
    ),
    pytest.param(lambda twilio: twilio.setup.services.clear(), SMS, id="in no service"),
    pytest.param(setting(balance=None), "Twilio: balance", id="no balance to read"),
    pytest.param(setting(sender_status="ONLINE:UPDATING"), WHATSAPP, id="updating"),
    pytest.param(setting(sender_method=None), WHATSAPP, id="POST is the default"),
    pytest.param(setting(quality_rating="LOW"), WHATSAPP, id="low quality"),
    pytest.param(
        setting(
            hooks=Hooks(),
            global_hooks=Hooks(
                f"{PUBLIC}/webhooks/conversations",
                method="POST",
                filters=["onMessageAdded", "onDeliveryUpdated"],
            ),
        ),
        CONVERSATIONS,
        id="global webhooks",
    ),
    pytest.param(hooks(pre_url=ELSEWHERE), CONVERSATIONS, id="a pre-event webhook"),
]


@pytest.mark.parametrize(("change", "what"), RIGHT)
def test_what_works_is_not_complained_about(twilio, account, change, what):
    change(twilio)
    assert findings(account)[what].ok


def test_a_service_takes_a_senders_messages_unless_it_defers(twilio, account):
    twilio.account.webhooks["sms"] = twilio.account.webhooks["whatsapp"] = ELSEWHERE
    service(defers=False, inbound_url=f"{PUBLIC}/webhooks/sms")(twilio)
    found = findings(account)
    assert found[SMS].words == f"messages reach Handoff through {SERVICE}"
    assert "Messaging Service wins" in found[WHATSAPP].words  # it calls the address of SMS


def test_a_service_whose_own_url_leads_elsewhere_is_mentioned_for_whatsapp(twilio, account):
    service(inbound_url=ELSEWHERE)(twilio)
    found = findings(account)
    assert found[WHATSAPP].ok
    assert f"also set the Request URL of {SERVICE}" in found[WHATSAPP].words


def test_the_shared_sandbox_is_no_sender_of_the_account(account):
    tried = replace(account, senders={"whatsapp": "+14155238886"}, messaging_service_sid="")
    found = findings(tried)["Twilio: WhatsApp +1415523····"]
    assert found.ok
    assert "customers have to join it first" in found.words


def test_conversations_are_not_checked_where_they_are_not_used(twilio, account):
    twilio.setup.hooks, twilio.setup.global_hooks = Hooks(), Hooks("https://other.example.com")
    found = findings(replace(account, conversations_service_sid=""))
    assert not [what for what in found if what.startswith(CONVERSATIONS)]


def test_an_address_that_conversations_takes_is_right_where_they_reach_us(twilio, account):
    twilio.setup.addresses[twilio.sms_number] = {"enabled": True, "type": "default"}
    assert findings(account)[f"{CONVERSATIONS} +1555····"].ok
    twilio.setup.addresses[twilio.sms_number]["enabled"] = False
    assert f"{CONVERSATIONS} +1555····" not in findings(account)


# -- credentials


def test_a_wrong_token_is_the_only_finding(account):
    (found,) = check_twilio(replace(account, auth_tokens=("wrong",)), datetime.now(UTC))
    assert not found.ok
    assert "HTTP 401" in found.words
    assert "TWILIO_AUTH_TOKEN" in found.words


def test_a_token_that_opens_the_api_but_signs_nothing_is_named(twilio, account):
    twilio.secrets.next_auth_token = "next"
    found = findings(replace(account, auth_tokens=("next",)))["Twilio: credentials"]
    assert not found.ok
    assert "signs webhooks with the primary auth token" in found.words


def test_both_tokens_of_a_rotation_are_tried(twilio, account):
    rotating = replace(account, auth_tokens=("token", "next"))
    assert wrong(findings(rotating)) == {"Twilio: TWILIO_AUTH_TOKEN_NEXT"}
    twilio.secrets.next_auth_token = "next"
    assert wrong(findings(rotating)) == set()


def test_an_api_key_is_tried_apart_from_the_token(twilio, account):
    by_key = replace(account, api_key="SK1", api_secret="secret")
    assert "Twilio: API key" in wrong(findings(by_key))
    twilio.secrets.api_keys["SK1"] = "secret"
    assert wrong(findings(by_key)) == set()


def test_a_restricted_key_leaves_unchecked_what_it_may_not_read(twilio, account):
    twilio.secrets.api_keys["SK1"] = "secret"
    for path in ("/v1/*", "/v2/*", "*/IncomingPhoneNumbers*"):
        twilio.faults.add(path, status=403)
    found = findings(replace(account, api_key="SK1", api_secret="secret"))
    assert wrong(found) == set()
    for what in (SMS, WHATSAPP, POOL, CONVERSATIONS):
        assert found[what].words.startswith("not checked: the credentials may not read this")


def test_a_key_that_may_not_read_messages_is_too_restricted(twilio, account):
    twilio.secrets.api_keys["SK1"] = "secret"
    twilio.faults.add("*/Messages.json", status=403)
    found = findings(replace(account, api_key="SK1", api_secret="secret"))
    assert wrong(found) == {"Twilio: API key"}


# -- a Twilio that does not answer as it should


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 429, "retry_after": 1}, "HTTP 429"),
        ({"status": 503}, "HTTP 503"),
        ({"drop": "before"}, "cannot be reached"),
    ],
)
def test_a_twilio_in_trouble_is_said_so_for_each_part(twilio, account, fault, said):
    for path in ("/v1/*", "/v2/*", "*/IncomingPhoneNumbers*"):
        twilio.faults.add(path, **fault)
    found = findings(account)
    for what in (SMS, WHATSAPP, POOL, CONVERSATIONS):
        assert not found[what].ok
        assert said in found[what].words


def test_services_that_cannot_be_read_leave_a_doubt(twilio, account):
    twilio.faults.add("/v1/Services", status=500)
    found = findings(account)
    assert found[SMS].ok
    assert "unless a Messaging Service takes them" in found[SMS].words


def test_a_clock_that_is_wrong_by_twilios_is_named(account):
    found = findings(account, datetime.now(UTC) + timedelta(minutes=2))["clock, by Twilio"]
    assert not found.ok
    assert "ahead of Twilio's" in found.words


def test_the_stand_in_is_read_by_the_official_client(client):
    messaging = client.messaging
    (sender,) = messaging.v2.channels_senders.list(channel="whatsapp")
    assert (sender.status, sender.sender_id) == ("ONLINE", "whatsapp:+15550101")
    (found,) = messaging.v1.services.list()
    assert [one.phone_number for one in found.phone_numbers.list()] == ["+15550100"]
    assert [one.sender for one in found.channel_senders.list()] == ["whatsapp:+15550101"]
    assert client.api.v2010.account.balance.fetch().balance == "20.00"
    hooks_of = client.conversations.v1.services(CHAT_SERVICE).configuration.webhooks()
    assert "onMessageAdded" in hooks_of.fetch().filters
    assert client.conversations.v1.address_configurations.list() == []
