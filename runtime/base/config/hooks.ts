/** `[[hooks]]`: the user's actions after lifecycle events, as configured; the effect handler runs them. */
import { isIP } from 'node:net';
import { z } from 'zod';
import {
  hookEvents,
  isToldEvent,
  machineEventOf,
  needEvents,
  noticeEvents,
  type ToldEvent,
} from '../../../machines/vocabulary/hook-event.ts';
import { whyNotPublic } from '../platform/public-address.ts';
import { textDigest } from '../platform/text-digest.ts';
import { isSecretHeader } from './hook-secrets.ts';
import { didYouMean, nearest } from './nearest.ts';
import {
  duration,
  flag,
  listOf,
  oneOf,
  placesInWalls,
  type SandboxMode,
  sandboxModes,
  text,
  textOrNone,
} from './schema-words.ts';

export const hookTypes = ['webhook', 'command', 'notify'] as const;

const eventSchema = z.custom<ToldEvent>(isToldEvent, {
  error: ({ input }) => {
    const meant = typeof input === 'string' ? nearest(input, hookEvents) : null;
    const accepted = `one of ${hookEvents.join(', ')}, or <machine>.<tag> of a machine of your own`;
    return meant === null ? accepted : `${accepted}; did you mean "${meant}"?`;
  },
});

const common = {
  name: text({ min: 1, max: 100, is: 'a name' }).optional(),
  events: listOf(eventSchema, {
    max: 2 * hookEvents.length,
    is: 'a list of events; empty: all but the notifications',
  }).optional(),
  enabled: flag.optional(),
};
/** The longest time that one delivery may hold back the hook's next one. */
const timeout = duration({ minMs: 100, maxMs: 600_000, limits: 'from "100ms" to "10m"' }).optional();
/** Variables that are read when the hook is delivered, and not stored. */
const envFile = textOrNone({ max: 4096, is: 'the path of a file of NAME=VALUE lines' }).optional();
const headerText = text({
  min: 0,
  max: 4096,
  is: 'a text on one line, or "env:NAME"',
  where: (value) => /^(?:env:[A-Za-z_][A-Za-z0-9_]*|(?!env:)[^\r\n]*)$/.test(value),
});

/** Never the secret itself: a configuration lies in git, and is kept as it is trusted. */
const secretForm = '"env:NAME", the variable that holds the secret, or a list of two of them while it is changed';
const secretName = z.string({ error: secretForm }).regex(/^env:[A-Za-z_][A-Za-z0-9_]{0,200}$/, { error: secretForm });

const webhookSchema = z.strictObject({
  type: z.literal('webhook'),
  ...common,
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
      (headers) => Object.entries(headers).every(([name, value]) => value.startsWith('env:') || !isSecretHeader(name)),
      {
        error:
          'what proves who asks (Authorization, Cookie, names with token, key, secret or password) as "env:NAME", the variable that holds it',
      },
    )
    .optional(),
  secret: z.union([secretName, z.array(secretName).min(1).max(2)], { error: secretForm }).optional(),
  allow_private: flag.optional(),
  timeout,
  env_file: envFile,
});
const commandSchema = z.strictObject({
  type: z.literal('command'),
  ...common,
  command: text({ min: 1, max: 8192, is: 'a shell command', where: (value) => value.trim() !== '' }),
  sandbox: oneOf(sandboxModes).optional(),
  writable: placesInWalls(),
  readable: placesInWalls(),
  timeout,
  env_file: envFile,
});
const notifySchema = z.strictObject({ type: z.literal('notify'), ...common, timeout });

export const hookTableSchema = z.discriminatedUnion('type', [webhookSchema, commandSchema, notifySchema], {
  error: 'webhook, command or notify',
});
export type HookTable = z.infer<typeof hookTableSchema>;

/** The keys that a hook of that type may have; all of them where the type is unknown. */
export function hookKeysOf(type: unknown): string[] {
  if (type === 'command') return Object.keys(commandSchema.shape);
  if (type === 'notify') return Object.keys(notifySchema.shape);
  return Object.keys(type === 'webhook' ? webhookSchema.shape : { ...webhookSchema.shape, ...commandSchema.shape });
}

interface Common {
  /** What its deliveries belong to: the configured name, or one made of type, target and events. */
  readonly name: string;
  /** Empty: all but the notifications. */
  readonly events: readonly ToldEvent[];
  /** false: the hook is off. */
  readonly enabled: boolean;
  readonly timeoutMs: number;
}
export interface WebhookConfig extends Common {
  readonly type: 'webhook';
  readonly url: string;
  /** A value `env:NAME` as it is written: it is read when the hook is delivered. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names of variables, the newest secret first; empty: it is not signed. */
  readonly secrets: readonly string[];
  readonly allowPrivate: boolean;
  /** As configured: relative to the repo unless absolute. */
  readonly envFile: string | null;
}
export interface CommandHookConfig extends Common {
  readonly type: 'command';
  readonly command: string;
  readonly sandbox: SandboxMode;
  /** As configured: absolute, or from `~/` on. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  readonly envFile: string | null;
}
export interface NotifyHookConfig extends Common {
  readonly type: 'notify';
}
/** A function of the program that embeds the engine. */
export interface FunctionHookConfig extends Common {
  readonly type: 'function';
  /** Its name there, where the repo has a hook of that name, too. */
  readonly given: string;
}
/** A hook as configured, defaults filled in. */
export type HookConfig = WebhookConfig | CommandHookConfig | NotifyHookConfig | FunctionHookConfig;

const timeoutMs = 30_000;

export function hookOf(table: HookTable): HookConfig {
  const events = [...new Set(table.events ?? [])];
  const { enabled = true } = table;
  const common = { name: table.name ?? unnamed(table, events), events, enabled, timeoutMs: table.timeout ?? timeoutMs };
  switch (table.type) {
    case 'webhook':
      return {
        ...common,
        type: 'webhook',
        url: table.url,
        headers: { ...table.headers },
        secrets: [table.secret ?? []].flat().map((name) => name.slice('env:'.length)),
        allowPrivate: table.allow_private ?? false,
        envFile: table.env_file ?? null,
      };
    case 'command':
      return {
        ...common,
        type: 'command',
        command: table.command,
        sandbox: table.sandbox ?? 'auto',
        writable: table.writable ?? [],
        readable: table.readable ?? [],
        envFile: table.env_file ?? null,
      };
    case 'notify':
      return { ...common, type: 'notify' };
  }
}

/** What the desktop shows beside what a repo's own hooks do: nothing, that a person is needed, or every notification. */
export const desktopModes = ['off', 'attention', 'all'] as const;
export type DesktopMode = (typeof desktopModes)[number];

const desktopEvents: { readonly [mode in DesktopMode]: readonly ToldEvent[] } = {
  off: [],
  attention: needEvents,
  all: noticeEvents,
};

/** The hook of a person's own desktop, under a name that no hook of a repo has; null: it is off. */
export function desktopHook(mode: DesktopMode, taken: readonly HookConfig[]): NotifyHookConfig | null {
  const events = desktopEvents[mode];
  if (events.length === 0) return null;
  const names = new Set(taken.map(({ name }) => name));
  let name = 'desktop';
  for (let n = 2; names.has(name); n += 1) name = `desktop-${n}`;
  return { type: 'notify', name, events, enabled: true, timeoutMs };
}

/** Stable over reloads and over the order of the events, so that a delivery finds its hook again. */
function unnamed(table: HookTable, events: readonly string[]): string {
  const target = table.type === 'webhook' ? table.url : table.type === 'command' ? table.command : '';
  const digest = textDigest(JSON.stringify([table.type, target, [...events].sort()]));
  return `${table.type}-${digest.slice(0, 8)}`;
}

function isWebAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** One line for each event that no hook ever gets: its machine does not exist, or has no such tag. */
export function unheardEvents(
  hooks: readonly Pick<HookConfig, 'name' | 'events'>[],
  machines: readonly { readonly name: string; readonly tags: readonly string[] }[],
): string[] {
  return hooks.flatMap(({ name, events }) =>
    events.flatMap((event) => {
      const of = machineEventOf(event);
      if (of === null) return [];
      const machine = machines.find((each) => each.name === of.machine);
      if (machine?.tags.includes(of.tag) === true) return [];
      const known = machine === undefined ? machines.map((each) => each.name) : machine.tags;
      const what = machine === undefined ? `there is no machine ${of.machine}` : `${of.machine} has no tag "${of.tag}"`;
      const hint = `${didYouMean(machine === undefined ? of.machine : of.tag, known)}there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}`;
      return [`the hook ${name} is never told ${event}: ${what}; ${hint}`];
    }),
  );
}

/**
 * One line for each hook whose address says by itself that it is not of the open internet: each of its deliveries would be refused. The address of a name is
 * looked up when the hook is delivered.
 */
export function refusedAddresses(hooks: readonly HookConfig[]): string[] {
  return hooks.flatMap((hook) => {
    if (hook.type !== 'webhook' || hook.allowPrivate || !hook.enabled) return [];
    const { origin, hostname } = new URL(hook.url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const isNamedSo = host === 'localhost' || host.endsWith('.localhost');
    const why = isNamedSo ? 'a loopback address' : isIP(host) === 0 ? null : whyNotPublic(host);
    if (why === null) return [];
    return [
      `the hook ${hook.name} is off: ${origin} is ${why}; if that is intended, set allow_private = true in its [[hooks]]`,
    ];
  });
}

/** One line for each variable that a hook's secret or headers need and that is not set here; an env file is looked at when the hook is delivered. */
export function missingVariables(
  hooks: readonly HookConfig[],
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  return hooks.flatMap((hook) => {
    if (hook.type !== 'webhook' || hook.envFile !== null || !hook.enabled) return [];
    const inHeaders = Object.values(hook.headers).flatMap((value) =>
      value.startsWith('env:') ? [value.slice('env:'.length)] : [],
    );
    const missing = [...new Set([...hook.secrets, ...inHeaders])].filter((name) => (env[name] ?? '').trim() === '');
    return missing.map(
      (name) =>
        `the hook ${hook.name} is off until the variable ${name} is set where the engine is started, or in its env_file`,
    );
  });
}
