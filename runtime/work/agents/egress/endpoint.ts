/** The target of a request to the proxy, and the rule that allows it. Pure. */
import type { HostRule } from '../../../base/platform/host-rules.ts';

export interface Endpoint {
  /** The host in lower case, without a final dot and without IPv6 brackets. */
  readonly host: string;
  readonly port: number;
}

const nameLimit = 253;
const webPorts: readonly number[] = [80, 443];
const endpointForm = /^(?:\[(?<six>[0-9a-f:.]+)\]|(?<name>[a-z0-9._-]+)):(?<port>\d{1,5})$/;

/** Parses `host:port` of a CONNECT request. null: it is invalid. */
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

/** The rule that allows this port; a rule for exactly this name comes before a rule for all subdomains. null: none. */
export function ruleFor(rules: readonly HostRule[], { host, port }: Endpoint): HostRule | null {
  const fits = (rule: HostRule) =>
    (rule.port === null ? webPorts.includes(port) : rule.port === port) &&
    (rule.isBelow ? host.endsWith(`.${rule.host}`) : host === rule.host);
  return rules.filter(fits).toSorted((one, other) => Number(one.isBelow) - Number(other.isBelow))[0] ?? null;
}
