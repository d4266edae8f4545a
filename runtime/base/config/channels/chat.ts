/**
 * A message in a chat, where people answer it: `[chats.<name>]` of daemon.toml. It is no `[[hooks]]` of a repo, because the repo must not say who may answer
 * in its name; each repo has such a hook beside its own.
 */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { KeyWords } from '../intake-sources/source.ts';
import { isWebAddress, oneOf, text, textOrNone } from '../schema-words.ts';
import { channel, type HookOf } from './channel.ts';

export const chatServices = ['telegram', 'slack'] as const;
export type ChatServiceName = (typeof chatServices)[number];

const peopleForm = 'a table such as { "123456789" = "anna" }: the id of an account there, and the name of a token here';
const mostPeople = 1_000;

export const chat = channel({
  type: 'chat',
  is: 'a message in a chat, and its answers',
  keys: {
    service: oneOf(chatServices),
    token: text({
      min: 5,
      max: 204,
      is: '"env:NAME", the variable that holds the token of the bot',
      where: (value) => /^env:[A-Za-z_][A-Za-z0-9_]*$/.test(value),
    }),
    chat: text({
      min: 1,
      max: 64,
      is: 'the id of a chat as a text, such as "-1001234567890" or "C0123456789"',
      where: (value) => /^-?[A-Za-z0-9]+$/.test(value),
    }),
    people: z
      .record(
        z.string().regex(/^[A-Za-z0-9]{1,64}$/, { error: peopleForm }),
        z.string({ error: peopleForm }).regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, { error: 'the name of a token here' }),
        { error: peopleForm },
      )
      .refine((people) => Object.keys(people).length <= mostPeople, { error: `at most ${mostPeople} accounts` })
      .optional(),
    url: text({
      min: 8,
      max: 2048,
      is: 'the http:// or https:// address of another server of that API, without a password',
      where: isWebAddress,
    }).optional(),
    env_file: textOrNone({
      max: 4096,
      is: 'the absolute path of a file of NAME=VALUE lines',
      where: (path) => path === '' || isAbsolute(path),
    }).optional(),
  },
  words: {
    service: [null, 'where it is; required'],
    token: [
      null,
      'the token of the bot: the variable is read from `env_file` or the environment of the engine; required',
    ],
    chat: [null, 'the chat or channel that gets the messages; required'],
    people: [
      '{}',
      'who may answer: the id of an account there, and the name in `stator token list`, whose role counts',
    ],
    url: [null, 'another server of that API; default: that of the service'],
    env_file: [null, 'where `token` is looked for first'],
  } satisfies Record<string, KeyWords>,
  settings: (table) => ({
    service: table.service,
    /** The name of a variable. */
    token: table.token.slice('env:'.length),
    chat: table.chat,
    /** From the id of an account there to the name of a person here. */
    people: { ...table.people } as Readonly<Record<string, string>>, // as checked
    /** Without a slash at its end; null: that of the service. */
    url: table.url?.replace(/\/+$/, '') ?? null,
    envFile: table.env_file ?? null,
  }),
  target: ({ service, chat: to }) => `${service} ${to}`,
  variables: ({ token, envFile }) => (envFile === null ? [token] : []),
});

export type ChatHookConfig = HookOf<typeof chat>;
