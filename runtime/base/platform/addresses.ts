/** The addresses of a name: looked up once, checked, and connected to as they were checked. */
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { whyNotPublic } from './public-address.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}
/** All addresses of a name, as the system finds them. */
export type ResolveName = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** All addresses of a host, which may be an address itself. Throws the system's errors, and if there is none. */
export async function addressesOf(
  host: string,
  resolve: ResolveName = resolveBySystem,
): Promise<readonly ResolvedAddress[]> {
  const family = isIP(host);
  const found = family === 0 ? await resolve(host) : [{ address: host, family }];
  if (found.length === 0) throw new Error(`${host} has no address`);
  return found;
}

/** Why a host with these addresses is refused: one of them is not on the open internet. null: all are. */
export function whyNoneOfTheInternet(host: string, addresses: readonly ResolvedAddress[]): string | null {
  for (const { address } of addresses) {
    const why = whyNotPublic(address);
    if (why !== null) return `${address === host ? address : `${host} resolves to ${address}, which`} is ${why}`;
  }
  return null;
}

/** For a connection: the addresses that were checked, whatever the name resolves to by now. */
export function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, answer) => {
    if (options.all === true) answer(null, [...addresses]);
    else answer(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
  };
}

async function resolveBySystem(hostname: string): Promise<readonly ResolvedAddress[]> {
  return systemLookup(hostname, { all: true });
}
