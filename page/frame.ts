/** The frame around every view: the address, whether the shown data is live, and the last refusal. */
import { type Child, h, type View } from './dom.ts';
import { timesIn } from './elements.ts';
import type { Connection } from './stream.ts';

export interface Refused {
  readonly title: string;
  readonly code: string;
  readonly hint: string;
}

export type Theme = 'auto' | 'light' | 'dark';

export interface Frame {
  readonly where: readonly { readonly text: string; readonly href: string | null }[];
  readonly connection: Connection;
  /** Why the daemon refuses the live stream; empty: it does not. */
  readonly reason: string;
  readonly version: string;
  readonly theme: Theme;
  readonly refused: Refused | null;
  readonly said: string | null;
  /** The person of the page; null: the owner. */
  readonly person: string | null;
  readonly role: string;
  /** Whether the page was opened with a token, so that the person can sign out and another one can sign in. */
  readonly canSignOut: boolean;
}

export interface FrameActions {
  turn(theme: Theme): void;
  dismiss(): void;
  signOut(): void;
}

const connections: Readonly<Record<Connection, { word: string; why: string }>> = {
  connecting: { word: 'connecting', why: 'the daemon is being asked' },
  live: { word: 'live', why: 'what happens is shown as it happens' },
  waiting: { word: 'waiting', why: 'the daemon waits' },
  away: { word: 'away', why: 'the daemon does not answer; this page continues by itself when it is back' },
  stranger: { word: 'stranger', why: 'another program answers at this address, and gets no data' },
  resting: { word: 'resting', why: 'nobody looks at this page' },
  locked: { word: 'locked', why: 'this page is let in no more' },
};

/** The permissions of each role. */
const roles: Readonly<Record<string, string>> = {
  look: 'may see everything',
  answer: 'may see everything, and answer questions',
  steer: 'may see everything, answer questions, and steer plans and agents',
};

const nextTheme = { auto: 'light', light: 'dark', dark: 'auto' } as const;

export function frameView(frame: Frame, actions: FrameActions, content: readonly Child[]): View[] {
  const { word } = connections[frame.connection];
  const why = frame.connection === 'waiting' ? frame.reason : connections[frame.connection].why;
  return [
    h('a', { class: 'skip', href: '#main', on: { click: toMain } }, 'Skip to the content'),
    h(
      'header',
      { class: 'top' },
      h('a', { class: 'mark', href: '#/' }, 'stator'),
      h(
        'nav',
        { 'aria-label': 'Where you are' },
        frame.where.map(({ text, href }) =>
          href === null ? h('span', { 'aria-current': 'page' }, text) : h('a', { href }, text),
        ),
      ),
      h(
        'span',
        { class: `connection ${frame.connection}`, role: 'status', title: why },
        h('span', { class: 'dot', 'aria-hidden': 'true' }),
        frame.person === null || frame.connection !== 'live' ? word : `${word} as ${frame.person}`,
        frame.person === null || frame.connection !== 'live'
          ? null
          : h('span', { class: 'dim role', title: roles[frame.role] ?? '' }, frame.role),
      ),
      frame.canSignOut && frame.connection !== 'locked'
        ? h('button', { class: 'quiet', on: { click: actions.signOut } }, 'sign out')
        : null,
      h(
        'button',
        {
          class: 'quiet theme',
          'aria-label': `Colours: ${frame.theme}. Change`,
          on: { click: () => actions.turn(nextTheme[frame.theme]) },
        },
        h('span', null, 'colours: '),
        frame.theme,
      ),
    ),
    ['away', 'waiting', 'stranger'].includes(frame.connection)
      ? h('p', { class: 'notice away', role: 'status' }, timesIn(`${why}.`, Date.now()))
      : null,
    h(
      'div',
      { class: 'toasts', 'aria-live': 'polite' },
      frame.refused === null
        ? frame.said === null
          ? null
          : h('div', { class: 'toast' }, h('p', null, frame.said))
        : h(
            'div',
            { class: 'toast refused', role: 'alert' },
            h('p', null, h('code', null, frame.refused.code), timesIn(frame.refused.title, Date.now())),
            frame.refused.hint === '' ? null : h('p', { class: 'dim' }, timesIn(frame.refused.hint, Date.now())),
            h('button', { class: 'quiet', on: { click: actions.dismiss } }, 'dismiss'),
          ),
    ),
    ...content,
  ].filter((view) => view !== null) as View[];
}

/** The part of the address after # names a view here, so the browser cannot use it for the jump. */
function toMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** The view for an address of something that does not exist. */
export function missingView(name: string, why: string): View {
  return h(
    'main',
    { id: 'main', tabindex: '-1' },
    h('h1', null, name),
    h('p', { class: 'nothing' }, why),
    h('p', { class: 'nothing' }, h('a', { class: 'link', href: '#/' }, 'All plans')),
  );
}

/** `enter` receives a typed token; null: a token does not authorize this page. */
export function lockedView(why: string, enter: ((token: string) => void) | null): View {
  const submit = (event: Event) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('token');
    if (field instanceof HTMLInputElement && field.value.trim() !== '') enter?.(field.value.trim());
  };
  return h(
    'main',
    { class: 'locked', id: 'main', tabindex: '-1' },
    h('h1', null, 'stator'),
    h('p', null, why),
    enter === null
      ? [
          h('p', null, 'Ask for the address of this page in a terminal:'),
          h('pre', null, 'stator inspect --open'),
          h(
            'p',
            { class: 'dim' },
            'What lets a page in is in the address that it prints, once, and is never stored where another page could read it.',
          ),
        ]
      : [
          h(
            'form',
            { class: 'commands', on: { submit } },
            h('input', {
              name: 'token',
              type: 'password',
              autocomplete: 'current-password',
              placeholder: 'Your token',
              'aria-label': 'Your token',
              made: (element) => element.focus(),
            }),
            h('button', { class: 'strong', type: 'submit' }, 'Enter'),
          ),
          h('p', { class: 'dim' }, 'The owner of this stator makes one: stator token add <name> --role look'),
        ],
  );
}
