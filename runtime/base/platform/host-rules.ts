/**
 * The hosts that an agent may reach, as a configuration writes them: `api.example.com`, `*.example.com` for all names below it, `example.com:8443` for another port than
 * those of the web, and `packages.lan=10.0.0.5` for a name at an address that a person gave it, which may be private. Pure, and without zod: a proxy is to start fast.
 */
import { isIP } from 'node:net';

export interface HostRule {
  /** In lower case, without the brackets of IPv6. */
  readonly host: string;
  /** The names below `host`, and not `host` itself. */
  readonly isBelow: boolean;
  /** null: 80 and 443. */
  readonly port: number | null;
  /** Where it is, whatever a look-up says; null: where a look-up says, if that is on the public internet. */
  readonly address: string | null;
}

/** Stands in a list for the registries of the packages that the repository uses. */
export const registriesWord = 'registries';

export const hostForm =
  'a host such as "example.com", "*.example.com", "example.com:8443" or "packages.lan=10.0.0.5", or "registries"';

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const ruleForm = new RegExp(
  `^(?<below>\\*\\.)?(?:(?<name>${label}(?:\\.${label})*)|\\[(?<six>[0-9a-f:.]+)\\])(?::(?<port>\\d{1,5}))?(?:=(?<address>[0-9a-f:.]+))?$`,
);
const nameLimit = 253;
const webPorts: readonly number[] = [80, 443];

/** null: it is no such text. */
export function parseHostRule(text: string): HostRule | null {
  const { below, name, six, port, address } = ruleForm.exec(text.toLowerCase())?.groups ?? {};
  const host = name ?? six;
  if (host === undefined || host.length > nameLimit) return null;
  const number = port === undefined ? null : Number(port);
  if (number !== null && (number < 1 || number > 65_535)) return null;
  if (six !== undefined && isIP(six) !== 6) return null;
  const isOther = isIP(host) !== 0 && address !== host;
  if (address !== undefined && (isIP(address) === 0 || below !== undefined || isOther)) return null;
  return { host, isBelow: below !== undefined, port: number, address: address ?? null };
}

/** The rule that lets a program reach that port; one for exactly this name comes before one for all names below another. null: none does. */
export function ruleFor(rules: readonly HostRule[], { host, port }: Endpoint): HostRule | null {
  const fits = (rule: HostRule) =>
    (rule.port === null ? webPorts.includes(port) : rule.port === port) &&
    (rule.isBelow ? host.endsWith(`.${rule.host}`) : host === rule.host);
  return rules.filter(fits).toSorted((one, other) => Number(one.isBelow) - Number(other.isBelow))[0] ?? null;
}

export interface Endpoint {
  /** In lower case, without a dot at its end and without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

const endpointForm = /^(?:\[(?<six>[0-9a-f:.]+)\]|(?<name>[a-z0-9._-]+)):(?<port>\d{1,5})$/;

/** `host:port`, as a CONNECT names it. null: it is none. */
export function parseEndpoint(text: string): Endpoint | null {
  const { six, name, port = '' } = endpointForm.exec(text.toLowerCase())?.groups ?? {};
  const host = (six ?? name)?.replace(/\.$/, '');
  const number = Number(port);
  if (host === undefined || host === '' || host.length > nameLimit || number < 1 || number > 65_535) return null;
  return { host, port: number };
}

export function endpointText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
