/** A section of a view with a heading, which also names it for screen readers. */
import { type Child, h, type View } from './dom.ts';

export interface PanelHead {
  readonly key?: string;
  /** Default: `panel`. */
  readonly class?: string;
  /** The id of the heading. */
  readonly heading: string;
  readonly title: Child | readonly Child[];
  /** A count or a duration beside the heading. */
  readonly count?: Child | readonly Child[];
  /** Further content in the line of the heading. */
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
