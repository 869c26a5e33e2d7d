"""Which addresses count as one client, and which requests may go to."""

from ipaddress import ip_address

import pytest

from handoff_bot.domain.web_requests import may_connect, network


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_client(address, counts_as):
    assert network(address) == counts_as


# For each address: on the internet, and if private networks are allowed.
ADDRESSES = {
    "8.8.8.8": (True, True),
    "2606:4700::1111": (True, True),
    "10.1.2.3": (False, True),
    "192.168.1.1": (False, True),
    "172.16.0.1": (False, True),
    "fd12::1": (False, True),
    "127.0.0.1": (False, False),
    "::1": (False, False),
    "0.0.0.0": (False, False),  # noqa: S104
    "169.254.169.254": (False, False),
    "fe80::1": (False, False),
    "fd00:ec2::254": (False, False),
    "100.100.100.200": (False, False),
    "::ffff:127.0.0.1": (False, False),
    "::ffff:169.254.169.254": (False, False),
    "::ffff:10.0.0.1": (False, True),
    "64:ff9b::7f00:1": (False, False),
    "64:ff9b::a9fe:a9fe": (False, False),
    "2002:7f00:1::": (False, False),
    "224.0.0.1": (False, False),
    "240.0.0.1": (False, False),
    "255.255.255.255": (False, False),
    "100.64.0.1": (False, False),
    "168.63.129.16": (False, False),
    "192.0.0.192": (False, False),
    "fd20:ce::254": (False, False),
    "fec0::1": (False, False),
    "ff02::1": (False, False),
    "::7f00:1": (False, False),
    "::8.8.8.8": (False, False),
    "::ffff:8.8.8.8": (True, True),
    "::ffff:0:8.8.8.8": (False, False),
    "64:ff9b::a00:1": (False, True),
    "64:ff9b::808:808": (True, True),
    "64:ff9b::a83f:8110": (False, False),
    "64:ff9b:1::808:808": (False, False),
    "2002:808:808::": (True, True),
    "2002:a00:1::": (False, True),
    "2001:0:7f00:1::f7f7:f7f7": (False, False),
    "2001:db8::1": (False, False),
    "5f00::1": (False, False),
    "fe80::1%eth0": (False, False),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_requests_go_to_the_internet_or_to_a_private_network_that_is_allowed(address):
    found = ip_address(address)
    assert (may_connect(found), may_connect(found, private=True)) == ADDRESSES[address]
