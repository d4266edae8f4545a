/** Which addresses belong to the open internet. Pure. */
import ipaddr from 'ipaddr.js';

/** Ranges that the registries do not list: where clouds keep the keys of their machines, and newer prefixes of documents. */
const extra = [
  ['168.63.129.16/32', 'a cloud metadata address'],
  ['3fff::/20', 'a documentation address'],
] as const;
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/** The text, as part of `<address> is …`. */
const words: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified address',
  broadcast: 'a broadcast address',
  multicast: 'a multicast address',
  linkLocal: 'a link-local address',
  loopback: 'a loopback address',
  carrierGradeNat: 'an address of a carrier-grade NAT',
  private: 'a private address',
  uniqueLocal: 'a private address',
};

/**
 * Why that address is none of the open internet: `a loopback address`; null where it is one. Takes what a resolver answers: dotted IPv4, or IPv6, also with a zone.
 * An IPv6 address that contains an IPv4 address (`::ffff:a.b.c.d`, and NAT64's `64:ff9b::/96`, which whole networks live behind) is judged by the IPv4 in it;
 * the tunnels (6to4, Teredo, ISATAP), IPv4-compatible ones and everything outside of `2000::/3` are refused. What cannot be read is refused as well.
 */
export function whyNotPublic(address: string): string | null {
  if (address.includes('%')) return 'an address of one link';
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ofIPv4(ipaddr.IPv4.parse(address));
  if (!ipaddr.IPv6.isValid(address)) return 'no address';
  return ofIPv6(ipaddr.IPv6.parse(address));
}

function ofIPv4(address: ipaddr.IPv4): string | null {
  for (const [range, why] of extra) {
    if (!range.includes(':') && address.match(ipaddr.IPv4.parseCIDR(range))) return why;
  }
  const range = address.range();
  return range === 'unicast' ? null : (words[range] ?? 'a reserved address');
}

function ofIPv6(address: ipaddr.IPv6): string | null {
  const range = address.range();
  if (range === 'ipv4Mapped') return ofIPv4(address.toIPv4Address());
  const bytes = address.toByteArray();
  if (range === 'rfc6052') return ofIPv4(new ipaddr.IPv4(bytes.slice(12)));
  if (range !== 'unicast') return words[range] ?? 'a reserved address';
  if (!address.match(globalUnicast)) return 'an address outside of the open internet';
  if (isIsatap(bytes)) return 'an address of a tunnel';
  for (const [cidr, why] of extra) {
    if (cidr.includes(':') && address.match(ipaddr.IPv6.parseCIDR(cidr))) return why;
  }
  return null;
}

/** RFC 5214: the interface is `0000:5efe` or `0200:5efe`, and an IPv4 address behind it. */
function isIsatap(bytes: readonly number[]): boolean {
  return ((bytes[8] ?? 0) & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
}
