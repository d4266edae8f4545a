/** A part of a view under its heading, by which it is also known to those who cannot see it. */
import { type Child, h, type View } from './dom.ts';

export interface PanelHead {
  readonly key?: string;
  /** Default: `panel`. */
  readonly class?: string;
  /** The id of the heading. */
  readonly heading: string;
  readonly title: Child | readonly Child[];
  /** How many there are, or how long it is so. */
  readonly count?: Child | readonly Child[];
  /** What is behind them in the same line. */
  readonly more?: Child | readonly Child[];
}

export function panel(
  { heading, title, count, more, ...own }: PanelHead,
  ...content: readonly (Child | readonly Child[])[]
): View {
  return h(
    'section',
    { class: 'panel', ...own, 'aria-labelledby': heading },
    h(
      'h2',
      { id: heading },
      title,
      count == null ? null : h('span', { class: 'count' }, typeof count === 'number' ? String(count) : count),
      more,
    ),
    ...content,
  );
}
