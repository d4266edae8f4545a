/** Sends an event of a plan to a chat, with the possible answers. */
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import type { ChatHookConfig } from '../../base/config/config.ts';
import type { Change, Store } from '../../core/store/port.ts';
import type { SecretParts } from '../agents/secret.ts';
import { aboutOf, actsOf, answerWords, whyOver } from './about.ts';
import { tokenOf } from './chat-call.ts';
import { openChat } from './services/services.ts';

export interface ChatSending {
  readonly store: Pick<Store, 'plan'>;
  readonly secrets: SecretParts;
  readonly project: string;
  /** The event, on one line. */
  readonly notice: string;
  readonly nowMs: number;
  readonly abort: AbortSignal;
}

/** The context is stored with the message: an answer cannot be understood without it. Throws an `EngineError`. */
export async function sendToChat(
  config: ChatHookConfig,
  effect: HookDeliver,
  { store, secrets, project, notice, nowMs, abort }: ChatSending,
): Promise<readonly Change[]> {
  const about = aboutOf(effect);
  const plan = about === null ? null : await store.plan(project, effect.plan);
  const isOpen = about !== null && plan !== null && whyOver(about, plan) === null;
  const words = isOpen ? ['', ...answerWords(about, plan)] : [];
  const buttons = isOpen ? actsOf(about, plan).map(({ word }) => word) : [];
  const service = openChat({ config, token: tokenOf(config, secrets), abort });
  const message = await service.send([notice, ...words].join('\n'), buttons);
  const row = { chat: service.key, message, project, plan: effect.plan, at: nowMs };
  return [{ do: 'chat.sent', ...row, about: JSON.stringify(about) }];
}
