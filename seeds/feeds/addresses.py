"""Where a fetch may connect: the addresses of a host, which of them are public, and the proxy of the environment."""

import asyncio
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.request import getproxies, proxy_bypass

from httpx2 import URL

Address = IPv4Address | IPv6Address

PUBLIC_IPV6 = IPv6Network("2000::/3")
NOT_PUBLIC_IPV6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Tunnels, which may lead anywhere, and addresses for documentation."""
NAT64 = IPv6Network("64:ff9b::/96")
"""Where networks without IPv4 put IPv4 addresses."""


async def resolve_host(host: str) -> list[Address]:
    """The addresses of a host, in any spelling: a name, 10.0.0.1, 2130706433 or 0x7f.1. Raises OSError, ValueError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None)
    return [ip_address(text) for text in dict.fromkeys(sockaddr[0] for *_, sockaddr in found)]


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet: not private, local, reserved or multicast."""
    # By hand, because is_global depends on the Python version for IPv6, and looks into no embedded IPv4 address.
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    embedded = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else None)
    if embedded is not None:
        return is_public(embedded)
    return address in PUBLIC_IPV6 and not any(address in network for network in NOT_PUBLIC_IPV6)


def proxy_for(url: URL) -> str | None:
    """The proxy the environment names for a URL, if any."""
    proxy = getproxies().get(url.scheme) or getproxies().get("all")
    if not proxy or proxy_bypass(url.netloc.decode("ascii")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
