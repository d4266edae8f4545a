/**
 * Forwards the daemon's messages in Stately's protocol to Stately's own inspector, in a frame of this page or in a window, once the person agrees. Of
 * the inspector's messages only one is used: that it is ready.
 */
import { ofTab } from './browser-storage.ts';
import { enter } from './enter.ts';

const inspector = { origin: 'https://stately.ai', page: 'https://stately.ai/inspect' } as const;
const storageName = 'stator.watch';
const protocol = 'stator-watch';
const retryMs = 2_000;
/** After more failed tries than this, the daemon has restarted and has another token. */
const triesMost = 150;
/** If Stately's page does not report within this time that it is ready, it probably never will. */
const readyMs = 20_000;
const anew = 'get a new address: stator inspect --stately';

const state = document.getElementById('state') as HTMLElement; // it is in stately.html, like those below
const inFrame = document.getElementById('frame') as HTMLButtonElement;
const inWindow = document.getElementById('window') as HTMLButtonElement;

function say(text: string): void {
  state.textContent = text;
}

/** Removes the token from the address at once, and stores it for reloads of this tab. The token permits watching only. */
async function takeToken(): Promise<string | null> {
  const words = new URLSearchParams(location.hash.slice(1));
  const [given, once] = [words.get('watch'), words.get('once')];
  if (given !== null || once !== null) history.replaceState(null, '', location.pathname);
  const token = given ?? (once === null ? null : await enter(once));
  if (token !== null) ofTab.set(storageName, token);
  return token ?? ofTab.get(storageName);
}

/**
 * Sends the daemon's messages to that window if it shows Stately's page. It starts from the beginning each time the page reports that it is ready,
 * since the page has lost its state then.
 */
function handOn(token: string, target: () => Window | null): void {
  let socket: WebSocket | null = null;
  let tries = 0;

  function connect(): void {
    socket?.close();
    const own = new WebSocket(`ws://${location.host}/stately`, [protocol, `${protocol}.${token}`]);
    socket = own;
    own.onopen = () => {
      tries = 0;
      say('');
    };
    own.onmessage = ({ data }) => {
      if (socket === own && typeof data === 'string') target()?.postMessage(JSON.parse(data), inspector.origin);
    };
    own.onclose = ({ reason }) => {
      if (socket !== own) return;
      tries += 1;
      const why = reason === '' ? 'The daemon is away, or a new one runs' : `The daemon let this page go, ${reason}`;
      say(tries > triesMost ? `${why}; ${anew}` : `${why}. It is asked again; if it stays so, ${anew}`);
      if (tries <= triesMost)
        setTimeout(() => {
          if (socket === own) connect();
        }, retryMs);
    };
  }

  say(`Waiting for ${inspector.page} …`);
  const late = setTimeout(
    () => say(`${inspector.page} does not answer. Nothing was handed on. Load this page again for the other way.`),
    readyMs,
  );
  addEventListener('message', ({ origin, source, data }) => {
    if (origin !== inspector.origin || source !== target()) return;
    if (typeof data !== 'object' || data === null || data.type !== '@statelyai.connected') return;
    clearTimeout(late);
    connect();
  });
}

/** The frame may run scripts and store its own data; it may not navigate this page. */
function show(token: string): void {
  const frame = document.createElement('iframe');
  frame.title = "Stately's inspector";
  frame.sandbox.add('allow-scripts', 'allow-same-origin', 'allow-forms', 'allow-popups', 'allow-downloads');
  frame.referrerPolicy = 'no-referrer';
  frame.src = inspector.page;
  document.querySelector('main')?.remove();
  handOn(token, () => frame.contentWindow);
  document.body.append(frame);
}

/** If the browser blocked the window, the button can be pressed again. */
function open(token: string): void {
  const opened = window.open(inspector.page, 'stately-inspector');
  if (opened === null) {
    say('The browser has blocked the window: allow it for this page and press again, or use the frame.');
    return;
  }
  document.querySelector('main')?.remove();
  handOn(token, () => opened);
}

takeToken()
  .catch(() => null)
  .then((token) => {
    if (token === null) {
      say(`This address has no token, or it is used up: ${anew}`);
      return;
    }
    inFrame.addEventListener('click', () => show(token));
    inWindow.addEventListener('click', () => open(token));
    inFrame.disabled = false;
    inWindow.disabled = false;
  });
