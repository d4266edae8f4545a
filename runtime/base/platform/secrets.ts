/** Passwords in texts that are shown, logged or stored. Pure. */

/** A longer text counts as no password: with this bound a text of nothing but addresses takes linear time. */
const address = /:\/\/(?:[^/\s'"@]{0,512}:[^\s'"]{0,512}@|[^/\s'"]{0,1024}@)/g;
const parameter =
  /([?&;](?:access_token|private_token|auth_token|token|password|passwd|api_key|apikey|secret)=)[^&;\s'"]+/gi;

/** A host, its port and the path behind it. The path may have an `@`, which is no password. */
const isHostWithPort = /^[^@:?#]*:\d{1,5}\//;

/**
 * A text whose addresses name no user and no password: `https://***@host/path?token=***`. An address goes to its last `@`, since people do not escape one
 * that is in a password.
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(address, (whole) => (isHostWithPort.test(bodyOf(whole)) ? whole : '://***@'))
    .replace(parameter, '$1***');
}

/** Characters that start something in a shell; `$NAME` and `${NAME}` do not. */
const active = /[`;|&<>()\\]|\$(?!\w|\{\w+\})/;
/** The host ends here, so what is behind is no password. */
const endsHost = /^[^@:]*[?#]/;

/** Whether `withoutSecrets` would leave out more than a password: something that acts, or the host that an address really leads to. */
export function hidesMore(text: string): boolean {
  const bodies = [...text.matchAll(address)].map(([whole]) => bodyOf(whole));
  const values = [...text.matchAll(parameter)].map(([whole, name = '']) => whole.slice(name.length));
  return bodies.some((body) => active.test(body) || endsHost.test(body)) || values.some((value) => active.test(value));
}

function bodyOf(address: string): string {
  return address.slice('://'.length, -1);
}
