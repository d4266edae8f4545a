/** Shapes for states, so that no state is shown by its colour alone. The name is always beside the shape. */
import { type Child, h, type View } from './dom.ts';

export type Shape = 'empty' | 'working' | 'waiting' | 'done' | 'bad' | 'asks' | 'off' | 'held';

const shapes: Readonly<Record<string, Shape>> = {
  ready: 'empty',
  pending: 'empty',
  planning: 'working',
  implementing: 'working',
  reviewing: 'working',
  verifying: 'working',
  working: 'working',
  running: 'working',
  starting: 'working',
  stopping: 'working',
  ending: 'working',
  committing: 'working',
  asking: 'asks',
  checking: 'working',
  merging: 'working',
  queued: 'waiting',
  backing_off: 'waiting',
  waiting: 'asks',
  paused: 'held',
  done: 'done',
  succeeded: 'done',
  failed: 'bad',
  cancelled: 'off',
  asks: 'asks',
  held: 'held',
};

/** The shape of a state, hidden from screen readers. */
export function glyph(state: string): View {
  return h('span', { class: `glyph ${shapes[state] ?? 'empty'}`, 'aria-hidden': 'true' });
}

/** The text of a state, with its shape. */
export function stateOf(state: string, text: Child | readonly Child[] = state.replaceAll('_', ' ')): View {
  return h('span', { class: `state-word ${shapes[state] ?? 'empty'}` }, glyph(state), h('span', null, text));
}
