/** The events that are not accepted now, each with the reason. */
import { h, type View } from './dom.ts';

interface Refused {
  readonly type: string;
  readonly why_not: string | null;
}

export function notNow(events: readonly Refused[]): View {
  return h(
    'details',
    null,
    h('summary', null, `not now (${events.length})`),
    h(
      'ul',
      null,
      events.map(({ type, why_not: why }) =>
        h('li', { key: type }, h('code', { class: 'dim' }, type), h('span', { class: 'dim' }, why ?? '')),
      ),
    ),
  );
}
