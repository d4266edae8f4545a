/**
 * Asks for a person's attention through the terminal, whose window may be behind others: the bell rings once for each new need, and the title shows
 * that there are needs. Neither contains text of an agent.
 */

import type { Stream } from './output.ts';
import { plain } from './text.ts';

export interface Attention {
  /**
   * `needs`: the present needs, by names that do not change while a need lasts. `isQuiet`: the needs existed before the first call, so the bell does
   * not ring.
   */
  show(needs: readonly string[], title: string, options?: { isQuiet: boolean }): void;
  /** Restores the title, until the next `show`; may be called twice. */
  suspend(): void;
  /** Restores the title for good. */
  close(): void;
}

export interface AttentionOptions {
  readonly stream: Stream;
  readonly env: NodeJS.ProcessEnv;
  /** false: nothing is written. */
  readonly isOn: boolean;
}

const bell = '\x07';
/** Saves the title on the terminal's stack of titles. Terminals without such a stack keep their title. */
const pushTitle = '\x1b[22;0t';
const popTitle = '\x1b]0;\x1b\\\x1b[23;0t';
const titleLimit = 120;
/** Terminals that would print the title as text, such as the Linux console. */
const withoutTitles = new Set(['', 'dumb', 'linux']);

export function createAttention({ stream, env, isOn }: AttentionOptions): Attention {
  const hasTitle = !withoutTitles.has(env.TERM ?? '');
  let known: ReadonlySet<string> = new Set();
  /** The title that was set; null: none. */
  let shown: string | null = null;

  const giveBack = () => {
    if (shown !== null) stream.write(popTitle);
    shown = null;
  };
  if (isOn) process.once('exit', giveBack);

  return {
    show(needs, text, { isQuiet } = { isQuiet: false }) {
      if (!isOn) return;
      const isNews = needs.some((need) => !known.has(need));
      known = new Set(needs);
      if (isNews && !isQuiet) stream.write(bell);
      if (needs.length === 0) giveBack();
      else if (hasTitle) {
        const title = plain(text).slice(0, titleLimit);
        if (title !== shown) stream.write(`${shown === null ? pushTitle : ''}\x1b]0;${title}\x1b\\`);
        shown = title;
      }
    },
    suspend: giveBack,
    close() {
      giveBack();
      process.removeListener('exit', giveBack);
    },
  };
}
