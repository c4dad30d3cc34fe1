"""Which addresses everybody can reach, and which only the machine itself, its neighbours or its cloud."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

# What the registries of special-purpose addresses (RFC 6890, as kept by IANA) do not call reachable by
# everybody, written out: Python's ``is_global`` changed its mind between 3.10 and 3.13.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by a provider's customers
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number; in Azure, the host's own service
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocols, with Teredo, which holds IPv4 addresses
        "2001:db8::/32",
        "2002::/16",  # 6to4, which holds IPv4 addresses
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214: before an IPv4 address in the last 32 bits


def is_public(address: IPAddress) -> bool:
    """Tell whether an address is one that everybody can reach.

    Parameters
    ----------
    address
        IPv6 addresses that hold an IPv4 address are judged by that one (mapped, NAT64, ISATAP), or not
        public at all (6to4, Teredo, and a NAT64 prefix of the network's own within ``64:ff9b:1::/48``).
        Networks with another NAT64 prefix must keep private addresses out at their gateway.

    Returns
    -------
    bool
        False for private, shared, loopback, link-local, multicast, reserved, unspecified and
        documentation addresses, on every version of Python alike.
    """
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _NOT_PUBLIC_4)
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None or address in _NAT64:
        return is_public(last)
    if address not in _GLOBAL_UNICAST or any(address in block for block in _NOT_PUBLIC_6):
        return False
    return int(address) >> 32 & 0xFFFFFFFF not in _ISATAP or is_public(last)
