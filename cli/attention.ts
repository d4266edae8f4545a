/**
 * Lets the terminal itself say that a person is needed, since its window may be behind others: it rings once for each thing that comes to need one, and its
 * title says so as long as something does. No text of an agent is part of either.
 */

import type { Stream } from './output.ts';
import { plain } from './text.ts';

export interface Attention {
  /** `needs`: the things that need a person now, by names that stay the same as long as they do. `isQuiet`: they existed before the first call. */
  show(needs: readonly string[], title: string, options?: { isQuiet: boolean }): void;
  /** Restores the title, until the next `show`; may be called twice. */
  suspend(): void;
  /** Restores the title for good. */
  close(): void;
}

export interface AttentionOptions {
  readonly stream: Stream;
  readonly env: NodeJS.ProcessEnv;
  /** false: nothing is ever written. */
  readonly isOn: boolean;
}

const bell = '\x07';
/** Terminals keep titles on a stack. In one that does not, the title is left alone. */
const pushTitle = '\x1b[22;0t';
const popTitle = '\x1b]0;\x1b\\\x1b[23;0t';
const titleLimit = 120;
/** The Linux console shows a title as text. */
const withoutTitles = new Set(['', 'dumb', 'linux']);

export function createAttention({ stream, env, isOn }: AttentionOptions): Attention {
  const hasTitle = !withoutTitles.has(env.TERM ?? '');
  let known: ReadonlySet<string> = new Set();
  /** null: the title is not ours. */
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
