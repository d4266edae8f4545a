/** A link with a long name on one line. A name that does not fit is cut in its middle, because its end distinguishes it from similar names. */
import { h, type View } from './dom.ts';

/** The number of characters at the end that are always visible. */
const endLength = 12;
/** A shorter name is cut at its end. */
const leastLength = endLength + 4;

/** `before`: a prefix that is no part of the name, such as its project. A screen reader reads the whole name, and the tooltip shows it. */
export function nameLink(href: string, name: string, before = ''): View {
  const dim = before === '' ? null : h('span', { class: 'dim' }, before);
  if (name.length < leastLength) return h('a', { href }, dim, name);
  const whole = `${before}${name}`;
  return h(
    'a',
    { href, class: 'long-name', title: whole, 'aria-label': whole },
    h('span', null, dim, name.slice(0, -endLength)),
    h('span', null, name.slice(-endLength)),
  );
}
