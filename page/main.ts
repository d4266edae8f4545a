/** The page of `stator inspect`: its data, when it is read again, and which view shows it. */
import type { QueuePause } from '../runtime/api/contract/runs.ts';
import { createActs } from './acts.ts';
import { ApiError, createApi } from './api.ts';
import { ofBrowser, ofTab } from './browser-storage.ts';
import { createDayPage } from './day-page.ts';
import { createDesktopNotice } from './desktop-notice.ts';
import { patch } from './dom.ts';
import { doorOf } from './enter.ts';
import { fleetView, needCount, needsKey, orderOf } from './fleet.ts';
import type { Fleet, FleetActions, FleetView } from './fleet-model.ts';
import { keepTextsOf } from './form.ts';
import { type Frame, frameView, lockedView, missingView, type Theme } from './frame.ts';
import { createMachinePage } from './machine-page.ts';
import type { Page } from './page.ts';
import { createPlanPage } from './plan-page.ts';
import { createRefresher } from './refresh.ts';
import { createRepoPage } from './repo-page.ts';
import { createSession } from './session.ts';
import { nextSlots } from './slots.ts';
import { createStream } from './stream.ts';
import { takeNew } from './take.ts';

const themeName = 'stator.theme';
/** How long the note about a completed action is shown. */
const saidMs = 4_000;
/** The interval at which the relative times on the page are drawn again. */
const tickMs = 1_000;
/** How long after a drawing a button press is taken to mean the previous picture. */
const steadyMs = 800;

const root = document.getElementById('page') as HTMLElement; // it is in index.html
root.replaceChildren(); // this was shown until the scripts were read
const session = createSession();
const api = createApi(session, () => {});
const desktop = createDesktopNotice();

let frame: Frame = {
  where: [],
  connection: 'connecting',
  reason: '',
  version: '',
  theme: storedTheme(),
  refused: null,
  said: null,
  person: null,
  role: '',
  canSignOut: false,
};
/** The ways to authorize a page at this address. */
let door: 'address' | 'token' = 'address';
let fleet: Fleet = {
  plans: [],
  agents: [],
  slots: [],
  queue: null,
  repos: [],
  hosts: [],
  warnings: [],
  forges: [],
  accounts: [],
  notifications: [],
  trees: null,
  isKnown: false,
};
let fleetShown: FleetView = {
  filter: '',
  project: null,
  group: null,
  isWhole: false,
  isWholeNeeds: false,
  isSteady: true,
  order: new Map(),
  busy: null,
  sure: null,
};
let page: Page | null = null;
/** The address of the shown page, without the part after its name. */
let shownPlace = '';
let isAsked = false;
let isChanged = false;
let saidTimer: ReturnType<typeof setTimeout> | undefined;

/** Draws the page at most once in each animation frame. */
function redraw(): void {
  if (isAsked) return;
  isAsked = true;
  const draw = () => {
    isAsked = false;
    render();
  };
  if (document.hidden) setTimeout(draw, tickMs);
  else requestAnimationFrame(draw);
}

function render(): void {
  const asking = needCount(fleet);
  document.title = `${asking > 0 ? `(${asking}) ` : ''}${page?.title() ?? 'stator'}`;
  const actions = { turn, signOut, dismiss: () => change({ refused: null }) };
  if (frame.connection === 'locked') {
    patch(
      root,
      frameView({ ...frame, where: [] }, actions, [lockedView(whyLocked(), door === 'token' ? enterBy : null)]),
    );
    return;
  }
  const content = page === null ? fleetView(fleet, fleetShown, fleetActions, Date.now()) : page.view(Date.now());
  const where = page === null ? [{ text: 'fleet', href: null }] : [{ text: 'fleet', href: '#/' }, ...page.where()];
  patch(root, frameView({ ...frame, where }, actions, [content]));
}

function change(part: Partial<Frame>): void {
  frame = { ...frame, ...part };
  redraw();
}

/** A browser stores no key for an address that others can eavesdrop on. */
function whyLocked(): string {
  if (!isSecureContext) return 'This page works over https only, or at an address of this machine.';
  return door === 'token' ? 'This page needs your token.' : 'This tab has no key, or its key is no longer valid.';
}

/** Signing out deletes everything of the person from this tab: read data, typed text and the key. */
function signOut(): void {
  session.leave();
  for (const name of ofTab.names()) ofTab.set(name, null);
  location.reload();
}

function enterBy(token: string): void {
  session
    .enter(token)
    .then((isIn) => {
      if (isIn) begin();
      else
        change({
          refused: { title: 'nobody has this token', code: 'unauthorized', hint: 'it may have been taken back' },
        });
    })
    .catch(() => change({ refused: { title: 'the daemon does not answer', code: 'unavailable', hint: '' } }));
}

const acts = createActs({
  api,
  say: announce,
  showRefusal,
  state: () => fleetShown,
  change(part) {
    fleetShown = { ...fleetShown, ...part };
    redraw();
  },
  onAnswer: readAnew,
});

const fleetActions: FleetActions = {
  may: session.may,
  maySend: session.maySend,
  act: ({ project, plan }, { type, payload, done }, then = () => {}) =>
    acts.send({ named: { project, plan }, type, payload, done, first: null, then }),
  answerSure: acts.answerSure,
  show: (part) => arrange(part),
  sort: () => arrange({}),
  switchQueue,
  desktop: desktop.state,
  turnDesktop(isOn) {
    desktop.turn(isOn).then(redraw).catch(showRefusal);
  },
  readNotifications() {
    api.readNotifications().then(readAnew).catch(showRefusal);
  },
};

/** Rows move only when a person asks for something. */
function arrange(part: Partial<FleetView>): void {
  fleetShown = { ...fleetShown, order: orderOf(fleet), ...part };
  fleet = { ...fleet, slots: nextSlots([], fleet.agents) };
  redraw();
}

function announce(said: string): void {
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => change({ said: null }), saidMs);
  change({ said, refused: null });
}

/** Shows why a person's request failed: the message, the code and the hint. */
function showRefusal(thrown: unknown): void {
  if (thrown instanceof ApiError)
    change({ said: null, refused: { title: thrown.message, code: thrown.code, hint: thrown.hint } });
  else throw thrown;
}

function switchQueue(word: 'pause' | 'resume', pause?: QueuePause): void {
  api
    .queueWord(word, pause)
    .then(() => announce(word === 'pause' ? 'No agent starts until the queue is resumed.' : 'It goes on.'))
    .then(readAnew)
    .catch(showRefusal);
}

/** Called after a person's action, so that its effect is shown at once. */
function readAnew(): void {
  isChanged = true;
  fleetRefresher.hurry();
}

/** Another page than the fleet needs only the number of needs, for the title. */
async function readFleet(): Promise<number> {
  if (frame.connection !== 'live') return 0;
  const isFresh = isChanged;
  isChanged = false;
  await (page === null ? readAll(isFresh) : readPlans(isFresh)).catch(showTrouble);
  return api.freshInMs();
}

/** While the daemon is away or waits, the page says so by itself. */
function showTrouble(thrown: unknown): void {
  if (!(thrown instanceof ApiError) || thrown.code !== 'unavailable') showRefusal(thrown);
}

async function readPlans(isFresh: boolean): Promise<void> {
  takePlans(await api.plans(isFresh));
  redraw();
}

function takePlans(plans: Fleet['plans']): void {
  fleet = { ...fleet, plans: takeNew(fleet.plans, plans, ({ project, plan }) => `${project}/${plan}`) };
  desktop.looked(plans);
}

async function readAll(isFresh: boolean): Promise<void> {
  const [plans, agents, queue, repos, notifications, forges, accounts, trees] = await Promise.all([
    api.plans(isFresh),
    api.liveAgents(isFresh),
    api.queue(isFresh),
    api.repos(isFresh),
    api.notifications(isFresh),
    api.forges(isFresh),
    api.accounts(isFresh),
    api.trees(isFresh),
    readPing(), // its warnings are above the rest, and no fact tells of them
  ]);
  // Repos have a host only if several hosts share the store.
  const hosts = repos.some(({ host }) => host !== undefined) ? await api.hosts(isFresh) : [];
  const isFirst = !fleet.isKnown;
  const before = needsKey(fleet);
  takePlans(plans);
  fleet = {
    ...fleet,
    agents: takeNew(fleet.agents, agents, ({ id }) => id),
    slots: nextSlots(fleet.slots, agents),
    queue,
    repos,
    hosts,
    notifications,
    forges,
    accounts,
    trees,
    isKnown: true,
  };
  if (isFirst) fleetShown = { ...fleetShown, order: orderOf(fleet) };
  else if (needsKey(fleet) !== before) unsettle();
  redraw();
}

let settling: ReturnType<typeof setTimeout> | undefined;

/** Disables the buttons of the needs for a short time: another plan may be under the pointer now. */
function unsettle(): void {
  clearTimeout(settling);
  settling = setTimeout(() => {
    fleetShown = { ...fleetShown, isSteady: true };
    redraw();
  }, steadyMs);
  fleetShown = { ...fleetShown, isSteady: false };
}

const fleetRefresher = createRefresher({ work: readFleet, leastMs: 500, mostMs: 10_000 });

function storedTheme(): Theme {
  const stored = ofBrowser.get(themeName);
  return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

function turn(theme: Theme): void {
  ofBrowser.set(themeName, theme);
  applyTheme(theme);
  change({ theme });
}

function applyTheme(theme: Theme): void {
  if (theme === 'auto') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', theme);
}

/** `#/` is the fleet, `#/repo/<project>` a repo, `#/day/<day>` a day, `#/plan/<project>/<plan>` a plan, with one of its sections or an agent's title behind it; `#/machine/<machine>/<id>` a tree of a user-defined machine. */
function route(): void {
  const [kind, first, second, part] = location.hash.replace(/^#\//, '').split('/').map(decoded);
  const place = [kind, first, second].join('/');
  if (page?.turnToPart !== undefined && place === shownPlace) {
    page.turnToPart(part ?? null);
    return;
  }
  shownPlace = place;
  page?.leave();
  page = null;
  arrange({});
  const shared = { api, may: session, redraw, say: announce, showRefusal };
  if (kind === 'plan' && first && second)
    page = createPlanPage({ ...shared, named: { project: first, plan: second }, part: part ?? null });
  if (kind === 'repo' && first) page = createRepoPage({ ...shared, project: first });
  if (kind === 'day' && first) page = createDayPage({ ...shared, day: first });
  if (kind === 'machine' && first && second) page = createMachinePage({ ...shared, machine: first, id: second });
  if (kind !== '' && kind !== undefined && page === null) page = unknownPage;
  scrollTo(0, 0);
  fleetRefresher.hurry();
  redraw();
}

/** Shown for an unknown address. */
const unknownPage: Page = {
  title: () => 'not found · stator',
  where: () => [{ text: 'not found', href: null }],
  view: () => missingView('Not found', 'There is no page at this address.'),
  heard() {},
  leave() {},
};

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not one of our names: the page says that it is not found
  }
}

const stream = createStream({
  api,
  session,
  mayRest: () => desktop.state() !== 'on',
  onFacts(facts, isGap) {
    page?.heard(facts, isGap);
    fleetRefresher.poke();
  },
  onRest: () => readPlans(false).catch(() => {}), // the next time is the next try
  onConnection: (connection, reason = '') => (connection === 'locked' ? lock() : change({ connection, reason })),
});

function lock(): void {
  change({ connection: 'locked' });
}

function begin(): void {
  const [person, role] = [session.person(), session.role()];
  keepTextsOf(person);
  change({ connection: 'connecting', person, role, canSignOut: door === 'token', refused: null });
  fleet = { ...fleet, isKnown: false };
  route();
  stream.start();
}

async function readPing(): Promise<void> {
  const { version, warnings } = await api.ping();
  fleet = { ...fleet, warnings };
  change({ version });
}

document.addEventListener('keydown', (event) => {
  const target = event.target as HTMLElement;
  if (event.key !== '/' || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
  const filter = document.getElementById('filter');
  if (filter === null) return;
  event.preventDefault();
  filter.focus();
});
addEventListener('hashchange', () => {
  // The browser does not reload when only the part after # changes.
  if (/^#(?:token|once)=/.test(location.hash)) location.reload();
  else route();
});
applyTheme(frame.theme);
setInterval(() => {
  if (!document.hidden) redraw();
}, tickMs);

door = await doorOf().catch(() => 'address' as const);
if (await session.begin()) begin();
else lock();
