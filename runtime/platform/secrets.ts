/** Passwords in texts that are shown, logged or kept. Pure. */

/** Longer passwords are none; a bound, so that a text of nothing but addresses takes linear time. */
const address = /:\/\/(?:[^/\s'"@]{0,512}:[^\s'"]{0,512}@|[^/\s'"]{0,1024}@)/g;
const parameter =
  /([?&;](?:access_token|private_token|auth_token|token|password|passwd|api_key|apikey|secret)=)[^&;\s'"]+/gi;

/**
 * A text whose addresses name no user and no password: `https://***@host/path?token=***`. An address goes to its last `@`, since people do not escape one
 * that stands in a password.
 */
export function withoutSecrets(text: string): string {
  return text.replace(address, '://***@').replace(parameter, '$1***');
}
