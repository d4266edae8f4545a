/** How each channel of hooks is sent: one try. */
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import type { HookConfig, OwnHooks } from '../../base/config/config.ts';
import type { Log } from '../../base/platform/log.ts';
import { chatHook } from './hook-chat.ts';
import { type CommandDependencies, runCommandHook } from './hook-command.ts';
import { hookBody } from './hook-event-body.ts';
import { callHook } from './hook-function.ts';
import { showNotification } from './hook-notify.ts';
import type { HookTry } from './hook-try.ts';
import { sendWebhook } from './hook-webhook.ts';
import type { EffectParts } from './workplace.ts';

export interface HookParts extends EffectParts, CommandDependencies {
  readonly log: Log;
  readonly nowMs: () => number;
  /** The hooks that were passed to the engine. */
  readonly ownHooks: OwnHooks;
  /** Milliseconds from each failed try to the next; after the last one the delivery is dead. null: the default. */
  readonly hookRetryMs: readonly number[] | null;
}

interface Sending {
  readonly project: string;
  readonly plan: string;
  /** The key under which the processes of this try are stored. */
  readonly key: string;
  readonly abort: AbortSignal;
}

type SenderParts = Omit<HookParts, 'faults' | 'hookRetryMs'>;

/** Throws errors that are waited for, and `interrupted`. */
type Send<Hook> = (parts: SenderParts, hook: Hook, effect: HookDeliver, sending: Sending) => Promise<HookTry>;

const senders: { readonly [Type in HookConfig['type']]: Send<Extract<HookConfig, { type: Type }>> } = {
  chat: chatHook,
  webhook: ({ env, projects, nowMs }, hook, effect, { project, abort }) =>
    sendWebhook(hook, {
      ...{ id: effect.id, body: hookBody(effect, project), repo: projects.get(project).path },
      ...{ env, nowMs: nowMs(), abort },
    }),
  command: (parts, hook, effect, { key, project, plan, abort }) =>
    runCommandHook(parts, hook, effect, { key, row: { project, plan }, abort }),
  notify: ({ env }, hook, effect, { project, abort }) => showNotification(hook, effect, { project, env, abort }),
  function: ({ ownHooks, nowMs }, hook, effect, { project, abort }) =>
    callHook(hook, effect, { project, ownHooks, nowMs: nowMs(), abort }),
};

/** Makes one try, without reading the delivery's row. Throws errors that are waited for, and `interrupted`. */
export const tryHook: Send<HookConfig> = (parts, hook, effect, sending) =>
  (senders[hook.type] as Send<HookConfig>)(parts, hook, effect, sending); // a hook goes to the sender of its own type
