/** An HTTP request, signed as Standard Webhooks has it. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { whyNotPublic } from '../../platform/public-address.ts';
import { textDigest } from '../../platform/text-digest.ts';
import { isSecretHeader } from '../hook-secrets.ts';
import { flag, isWebAddress, text } from '../schema-words.ts';
import { channel, envFile, envFileWords } from './channel.ts';

const headerText = text({
  min: 0,
  max: 4096,
  is: 'a text on one line, or "env:NAME"',
  where: (value) => /^(?:env:[A-Za-z_][A-Za-z0-9_]*|(?!env:)[^\r\n]*)$/.test(value),
});

/** Never the secret itself: a configuration lies in git, and is kept as it is trusted. */
const secretForm = '"env:NAME", the variable that holds the secret, or a list of two of them while it is changed';
const secretName = z.string({ error: secretForm }).regex(/^env:[A-Za-z_][A-Za-z0-9_]{0,200}$/, { error: secretForm });

export const webhook = channel({
  type: 'webhook',
  is: 'an HTTP POST',
  keys: {
    url: text({
      min: 8,
      max: 2048,
      is: 'an http:// or https:// address without a password; give that as a header: headers = { Authorization = "env:NAME" }',
      where: isWebAddress,
    }),
    headers: z
      .record(
        z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$/, { error: 'a header name such as Authorization' }),
        headerText,
        { error: 'a table of header names and texts' },
      )
      .refine((headers) => Object.keys(headers).length <= 50, { error: 'at most 50 headers' })
      .refine(
        (headers) =>
          Object.entries(headers).every(([name, value]) => value.startsWith('env:') || !isSecretHeader(name)),
        {
          error:
            'what proves who asks (Authorization, Cookie, names with token, key, secret or password) as "env:NAME", the variable that holds it',
        },
      )
      .optional(),
    secret: z
      .union(
        [secretName, z.array(secretName).refine(({ length }) => length === 1 || length === 2, { error: secretForm })],
        {
          error: secretForm,
        },
      )
      .optional(),
    allow_private: flag.optional(),
    env_file: envFile,
  },
  words: {
    url: [null, 'webhook: where the event is sent; required'],
    headers: [null, 'webhook: sent with it; "env:NAME" is read from the env file or the environment of the engine'],
    secret: [null, 'webhook: signs the request as Standard Webhooks has it; two of them while the secret is changed'],
    allow_private: ['false', 'webhook: the address may be private, loopback or link-local'],
    env_file: envFileWords,
  },
  settings: (table) => ({
    url: table.url,
    /** A value `env:NAME` as it is written: it is read when the hook is delivered. */
    headers: { ...table.headers } as Readonly<Record<string, string>>, // as checked
    /** Names of variables, the newest secret first; empty: it is not signed. */
    secrets: [table.secret ?? []].flat().map((name) => name.slice('env:'.length)) as readonly string[],
    allowPrivate: table.allow_private ?? false,
    /** As configured: relative to the repo unless absolute. */
    envFile: table.env_file ?? null,
  }),
  target: ({ url }) => url,
  // For many services the rest of an address is a secret.
  shown: ({ url }) => new URL(url).origin,
  trusted: (own) => `POST ${own.url}${sentWords(own)}`,
  opens: (own) => ({ envFile: own.envFile }),
  problem({ url, allowPrivate }) {
    if (allowPrivate) return null;
    const { origin, hostname } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const isNamedSo = host === 'localhost' || host.endsWith('.localhost');
    const why = isNamedSo ? 'a loopback address' : isIP(host) === 0 ? null : whyNotPublic(host);
    if (why === null) return null;
    return `${origin} is ${why}; if that is intended, set allow_private = true in its [[hooks]]`;
  },
  variables: ({ headers, secrets, envFile: file }) =>
    file !== null ? [] : [...secrets, ...Object.values(headers).flatMap((value) => variableOf(value) ?? [])],
});

/** The name in `env:NAME`; null: the text is the value. */
function variableOf(value: string): string | null {
  return value.startsWith('env:') ? value.slice('env:'.length) : null;
}

/** The variables of the user that it sends out of the machine. */
function sentWords(sent: {
  readonly allowPrivate: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly envFile: string | null;
}): string {
  const header = ([name, value]: [string, string]) => {
    const variable = variableOf(value);
    return `header ${name} ${variable === null ? `(sha256 ${textDigest(value).slice(0, 12)})` : `from $${variable}`}`;
  };
  const parts = [
    ...(sent.allowPrivate ? ['private addresses allowed'] : []),
    ...Object.entries(sent.headers).map(header),
    ...sent.secrets.map((name) => `signed with $${name}`),
    ...(sent.envFile === null ? [] : [`environment from ${sent.envFile}`]),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
