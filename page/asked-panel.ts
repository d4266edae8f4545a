/** The frame of what waits for a person's answer: who asks for what, since when, and the form that answers. */
import { h, type View } from './dom.ts';
import { since } from './format.ts';
import { glyph } from './glyph.ts';

export interface AskedHead {
  /** The id of the heading, and the key of the panel. */
  readonly heading: string;
  readonly words: string;
  readonly askedAt: string;
  readonly nowMs: number;
}

export function askedPanel({ heading, words, askedAt, nowMs }: AskedHead, form: View): View {
  return h(
    'section',
    { key: heading, class: 'panel question', 'aria-labelledby': heading },
    h('h2', { id: heading }, glyph('asks'), words, h('span', { class: 'count' }, `for ${since(askedAt, nowMs)}`)),
    form,
  );
}
