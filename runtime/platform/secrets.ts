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

/** What a password may be that nothing is started by, and that leads nowhere: beyond these it could be a command, or the address itself. */
const plain = /^[\w.~!%+,:=@^*-]*$/;
const opening = '://';

/** The same for what a person is to judge by: what could be more than a password stays, since a hidden command would be agreed to unseen. */
export function withoutPlainSecrets(text: string): string {
  return text
    .replace(address, (whole) => (plain.test(whole.slice(opening.length)) ? '://***@' : whole))
    .replace(parameter, (whole: string, name: string) => (plain.test(whole.slice(name.length)) ? `${name}***` : whole));
}
