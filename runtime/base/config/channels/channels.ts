/** The channels of hooks. */
import type { AnyChannel, HookOf } from './channel.ts';
import { type ChatHookConfig, chat } from './chat.ts';
import { command } from './command.ts';
import { notify } from './notify.ts';
import { webhook } from './webhook.ts';

export const channels = { webhook, command, notify };

export type HookType = keyof typeof channels;
export const hookTypes = Object.keys(channels) as [HookType, ...HookType[]]; // its keys

/** A hook as configured, with the defaults filled in. */
export type ConfiguredHook = { [Type in HookType]: HookOf<(typeof channels)[Type]> }[HookType];

/** Its answers about a hook of another type mean nothing. */
export function channelOf(type: HookType | ChatHookConfig['type']): AnyChannel {
  return { ...channels, chat }[type] as unknown as AnyChannel; // without the type of its settings
}
