/** `[[hooks]]`: the user's actions after lifecycle events, as configured; the effect handler runs them. */
import { z } from 'zod';
import {
  machineEventOf,
  type NotifiedEvent,
  needEvents,
  noticeEvents,
} from '../../../machines/vocabulary/hook-event.ts';
import { textDigest } from '../platform/text-digest.ts';
import type { HookBase, HookOf, HookOpens } from './channels/channel.ts';
import { type ConfiguredHook, channelOf, channels, hookTypes } from './channels/channels.ts';
import { type ChatHookConfig, chat } from './channels/chat.ts';
import type { command } from './channels/command.ts';
import type { notify } from './channels/notify.ts';
import type { webhook } from './channels/webhook.ts';
import { didYouMean } from './nearest.ts';
import { namedTables } from './schema-words.ts';

const [first, ...others] = Object.values(channels).map(({ schema }) => schema);
if (first === undefined) throw new Error('there is no channel');
export const hookTableSchema = z.discriminatedUnion('type', [first, ...others], { error: wordList(hookTypes, ' or ') });
export type HookTable = z.infer<typeof hookTableSchema>;

/** The keys that a hook of that type may have; all of them where the type is unknown. */
export function hookKeysOf(type: unknown): string[] {
  const named = hookTypes.filter((one) => one === type);
  return [
    ...new Set((named.length === 0 ? hookTypes : named).flatMap((one) => Object.keys(channels[one].schema.shape))),
  ];
}

export type WebhookConfig = HookOf<typeof webhook>;
export type CommandHookConfig = HookOf<typeof command>;
export type NotifyHookConfig = HookOf<typeof notify>;
/** A function of the program that embeds the engine. */
export interface FunctionHookConfig extends HookBase {
  readonly type: 'function';
  /** Its name there, where the repo has a hook of that name, too. */
  readonly given: string;
}
export type HookConfig = ConfiguredHook | ChatHookConfig | FunctionHookConfig;

const timeoutMs = 30_000;

export function hookOf(table: HookTable): HookConfig {
  const { type, enabled = true } = table;
  const { settings, target } = channelOf(type);
  const events = [...new Set(table.events ?? [])];
  const own = settings(table as never); // of that channel
  // Stable over reloads and over the order of the events, so that a delivery finds its hook again.
  const digest = textDigest(JSON.stringify([type, target?.(own as never) ?? '', [...events].sort()]));
  const name = table.name ?? `${type}-${digest.slice(0, 8)}`;
  return { ...(own as object), type, name, events, enabled, timeoutMs: table.timeout ?? timeoutMs } as HookConfig; // of that channel
}

/** Where it goes, without secrets; null: nowhere outside of stator. */
export function targetOf(hook: HookConfig): string | null {
  if (hook.type === 'function') return null;
  const { target, shown = target } = channelOf(hook.type);
  return shown?.(hook as never) ?? null; // of that channel
}

/** The text that a person agrees to by trusting the hook. */
export function trustedWords(hook: HookConfig): string {
  if (hook.type === 'function') return 'a function of the engine';
  const { is, trusted } = channelOf(hook.type);
  return trusted?.(hook as never) ?? is; // of that channel
}

/** The programs that it starts on this machine, and the files that it reads. */
export function opensOf(hook: HookConfig): HookOpens {
  return hook.type === 'function' ? {} : (channelOf(hook.type).opens?.(hook as never) ?? {}); // of that channel
}

/** What the desktop shows besides the repo's own hooks: nothing, the need for a person, or every notification. */
export const desktopModes = ['off', 'attention', 'all'] as const;
export type DesktopMode = (typeof desktopModes)[number];

const desktopEvents: { readonly [mode in DesktopMode]: readonly NotifiedEvent[] } = {
  off: [],
  attention: needEvents,
  all: noticeEvents,
};

function desktopHook(mode: DesktopMode): NotifyHookConfig[] {
  const events = desktopEvents[mode];
  return events.length === 0 ? [] : [{ type: 'notify', name: 'desktop', events, enabled: true, timeoutMs }];
}

/** A table of `[chats]`: its name is that of the hook. */
export const chatTable = chat.schema.omit({ type: true, name: true });
export const chatsSchema = namedTables(chatTable, { max: 20, is: 'tables such as [chats.telegram]' });

export function chatsOf(tables: z.output<typeof chatsSchema>): ChatHookConfig[] {
  return Object.entries(tables).map(([name, table]) => ({
    ...chat.settings(table),
    ...{ type: 'chat', name, enabled: table.enabled ?? true, timeoutMs: table.timeout ?? timeoutMs },
    events: table.events === undefined || table.events.length === 0 ? needEvents : [...new Set(table.events)],
  }));
}

/** The hooks of a repo that are a person's own: the chats, and the desktop. None has a name that a hook of the repo has. */
export function ownersHooks(
  { desktop, chats }: { readonly desktop: DesktopMode; readonly chats: readonly ChatHookConfig[] },
  taken: readonly HookConfig[],
): HookConfig[] {
  return renamed([...chats, ...desktopHook(desktop)], taken);
}

/** Under names that none of the others has, and no two of them. */
export function renamed<Hook extends HookConfig>(hooks: readonly Hook[], taken: readonly HookConfig[]): Hook[] {
  const names = new Set(taken.map(({ name }) => name));
  return hooks.map((hook) => {
    let { name } = hook;
    for (let n = 2; names.has(name); n += 1) name = `${hook.name}-${n}`;
    names.add(name);
    return { ...hook, name };
  });
}

/** One line for each event that no hook can receive: its machine does not exist, or has no such tag. */
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
      return [`the hook ${name} never receives ${event}: ${what}; ${hint}`];
    }),
  );
}

/**
 * One line for each hook whose address is not on the open internet: each of its deliveries would be refused. The address of a name is looked up when the hook
 * is delivered.
 */
export function refusedAddresses(hooks: readonly HookConfig[]): string[] {
  return hooks.flatMap((hook) => {
    const problem = refusedAddress(hook);
    return problem === null ? [] : [`the hook ${hook.name} is off: ${problem}`];
  });
}

/** Why every delivery of that hook would be refused; null: its address is not, as far as its text says. */
export function refusedAddress(hook: HookConfig): string | null {
  if (hook.type === 'function' || !hook.enabled) return null;
  return channelOf(hook.type).problem?.(hook as never) ?? null; // of that channel
}

/** One line for each variable that a hook needs and that is not set here; an env file is looked at when the hook is delivered. */
export function missingVariables(
  hooks: readonly HookConfig[],
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  return hooks.flatMap((hook) => {
    if (hook.type === 'function' || !hook.enabled) return [];
    const names = channelOf(hook.type).variables?.(hook as never) ?? []; // of that channel
    return [...new Set(names)]
      .filter((name) => (env[name] ?? '').trim() === '')
      .map(
        (name) =>
          `the hook ${hook.name} needs the variable ${name}, which is not set here: set it where the engine is started, or in its env_file`,
      );
  });
}

/** `a, b or c`. */
function wordList(words: readonly string[], last: string): string {
  return [words.slice(0, -1).join(', '), words.at(-1)].join(last);
}
