/**
 * The hosts that an agent may reach, as a configuration writes them: `api.example.com`, `*.example.com` for all names below it, `example.com:8443` for another port than
 * those of the web, and `packages.lan=10.0.0.5` for a name at an address that a person gave it, which may be private. Pure.
 */
import { isIP } from 'node:net';

export interface HostRule {
  /** In lower case, without the brackets of IPv6. */
  readonly host: string;
  /** The names below `host`, and not `host` itself. */
  readonly isBelow: boolean;
  /** null: 80 and 443. */
  readonly port: number | null;
  /** Its address, whatever a look-up says; null: the address of a look-up, if that is on the public internet. */
  readonly address: string | null;
}

/** Written in a list, it means the registries of the packages that the repository uses. */
export const registriesWord = 'registries';

export const hostForm =
  'a host such as "example.com", "*.example.com", "example.com:8443" or "packages.lan=10.0.0.5", or "registries"';

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const ruleForm = new RegExp(
  `^(?<below>\\*\\.)?(?:(?<name>${label}(?:\\.${label})*)|\\[(?<six>[0-9a-f:.]+)\\])(?::(?<port>\\d{1,5}))?(?:=(?<address>[0-9a-f:.]+))?$`,
);
const nameLimit = 253;

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
