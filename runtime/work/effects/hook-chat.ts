/** Sends a hook as a message in a chat. */
import { noticeLimit } from '../../../actors/notices.ts';
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import { EngineError, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import type { ChatHookConfig } from '../../base/config/config.ts';
import type { Environment } from '../../base/platform/home.ts';
import { timeLimit } from '../../base/platform/pause.ts';
import type { Store } from '../../core/store/port.ts';
import type { SecretParts } from '../agents/secret.ts';
import { sendToChat } from '../chats/send.ts';
import { hookNotice } from './hook-event-body.ts';
import { failedTry, type HookTry } from './hook-try.ts';

interface Sending {
  readonly project: string;
  readonly abort: AbortSignal;
}

interface Parts {
  readonly store: Pick<Store, 'plan'>;
  readonly env: Environment;
  readonly projects: NonNullable<SecretParts['projects']>;
  nowMs(): number;
}

/** Throws `interrupted` if the engine stops. */
export async function chatHook(
  { store, env, projects, nowMs }: Parts,
  hook: ChatHookConfig,
  effect: HookDeliver,
  { project, abort }: Sending,
): Promise<HookTry> {
  // A permission request that is not shown completely cannot be granted in the chat.
  const { subject, text } = hookNotice(effect, project, noticeLimit);
  const limit = timeLimit(hook.timeoutMs);
  try {
    const sending = { store, secrets: { env, projects }, project, notice: `${subject}: ${text}`, nowMs: nowMs() };
    const changes = await sendToChat(hook, effect, { ...sending, abort: AbortSignal.any([abort, limit]) });
    return { kind: 'delivered', status: null, output: null, changes };
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || (thrown.code === 'interrupted' && !limit.aborted)) throw thrown;
    // Before the next try a person may correct the token or invite the bot.
    return failedTry(onOneLine(withHint(thrown)), { retries: true, retryAfterMs: thrown.retryAfterMs ?? null });
  }
}
