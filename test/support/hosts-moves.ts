/** Failures while several hosts work: of their daemons, their agents, the network and the database. Each failure ends by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { OwnPostgres } from '../../scripts/postgres.ts';
import type { Running } from './cli.ts';
import { carriersOf, kill, openRuns } from './crash.ts';
import type { Host } from './hosts.ts';
import type { Link } from './link.ts';

/** A host whose connection to the database can fail. */
export interface ChaosHost extends Host {
  readonly link: Link;
  daemon: Running;
}

export interface Trouble {
  readonly hosts: readonly ChaosHost[];
  readonly server: Pick<OwnPostgres, 'restart'>;
  readonly random: () => number;
  /** The number of failures for each host. */
  readonly moves: number;
  /** Records an event for people and for the proof, on one line. */
  note(...words: readonly string[]): void;
  /** The plans are done: no more failures. */
  readonly over: AbortSignal;
}

type Random = () => number;

/** Between the freezing of agents (8 s), the loss of a host (12 s) and the end of its agents (30 s). */
function heldMs(random: Random): number {
  const share = random();
  const within = (from: number, to: number) => from + random() * (to - from);
  if (share < 0.5) return within(200, 6_000);
  if (share < 0.65) return within(7_000, 12_000);
  return share < 0.95 ? within(13_000, 20_000) : within(31_000, 36_000);
}

async function hold(ms: number, over: AbortSignal): Promise<void> {
  await delay(ms, null, { signal: over }).catch(() => {}); // then it is lifted at once
}

/** Starts the daemon again, and does not wait until it is ready. */
function startAgain(host: ChaosHost): void {
  host.daemon = host.start(['daemon', 'start', '--foreground']);
}

type Move = (host: ChaosHost, trouble: Pick<Trouble, 'random' | 'note' | 'over'>) => Promise<void>;

/** `down` and `up` are for the proof: between them, nothing manages the host's agents. */
const moves: Readonly<Record<string, Move>> = {
  async killed(host, { random, note, over }) {
    note('down', host.name);
    host.daemon.child.kill('SIGKILL');
    await host.daemon.ended;
    await hold(heldMs(random), over);
    startAgain(host);
    note('up', host.name);
  },
  async stopped(host, { random, note, over }) {
    note('down', host.name);
    host.daemon.child.kill('SIGSTOP');
    await hold(heldMs(random), over);
    host.daemon.child.kill('SIGCONT');
    note('up', host.name);
  },
  async 'stopped and cut'(host, { random, note, over }) {
    note('down', host.name);
    host.daemon.child.kill('SIGSTOP');
    host.link.close();
    await hold(heldMs(random), over);
    await host.link.open();
    host.daemon.child.kill('SIGCONT');
    note('up', host.name);
  },
  async wrapper({ home }, { random }) {
    const ours = new Set(carriersOf(`STATOR_HOME=${home}`));
    const found = openRuns(home, 'claim').filter((pid) => ours.has(pid));
    kill(found[Math.floor(random() * found.length)]);
  },
  async cut({ link }) {
    link.cut();
  },
  async stranded({ link }, { random }) {
    link.strand(random());
  },
  async refused({ link }, { random, over }) {
    link.close();
    await hold(heldMs(random), over);
    await link.open();
  },
  async slow({ link }, { random, over }) {
    link.slow(20 + random() * 280);
    await hold(heldMs(random), over);
    link.pass();
  },
  async 'half open'({ link }, { random, over }) {
    link.hold(['up', 'down']);
    await hold(heldMs(random), over);
    link.pass();
  },
  async 'half open and given up'({ link }, { random, over }) {
    link.hold(['up', 'down']);
    await hold(heldMs(random), over);
    link.giveUp();
    await hold(heldMs(random), over);
    link.pass();
  },
  async 'nothing sent'({ link }, { random, over }) {
    link.hold(['up']);
    await hold(heldMs(random), over);
    link.pass();
  },
  async 'nothing received'({ link }, { random, over }) {
    link.hold(['down']);
    await hold(heldMs(random), over);
    link.pass();
  },
};

/** Resolves when all failures have happened and ended. */
export async function makeTrouble(trouble: Trouble): Promise<void> {
  await Promise.all([...trouble.hosts.map((host) => troubleHost(host, trouble)), troubleServer(trouble)]);
}

async function troubleHost(host: ChaosHost, trouble: Trouble): Promise<void> {
  const { random, over, note } = trouble;
  const names = Object.keys(moves);
  // Drawn before anything waits, so that a seed repeats the same failures.
  const own = Array.from({ length: trouble.moves }, () => ({
    name: names[Math.floor(random() * names.length)] ?? '',
    seed: random(),
    afterMs: 500 + random() * 4_000,
  }));
  for (const { name, seed, afterMs } of own) {
    await hold(afterMs, over);
    if (over.aborted) return;
    note('move', host.name, name);
    await moves[name]?.(host, { random: numbersFrom(seed), note, over });
    note('lifted', host.name, name);
  }
}

/** A failure's own random numbers, independent of the other failures. */
function numbersFrom(seed: number): Random {
  let last = seed;
  return () => {
    last = (last * 9301 + 0.49297) % 1;
    return last;
  };
}

async function troubleServer({ server, random, over, note }: Trouble): Promise<void> {
  const [afterMs, awayMs] = [3_000 + random() * 25_000, random() < 0.7 ? random() * 3_000 : 6_000 + random() * 8_000];
  await hold(afterMs, over);
  if (over.aborted) return;
  note('move', 'postgres', 'restarted');
  await server.restart(() => hold(awayMs, over));
  note('lifted', 'postgres', 'restarted');
}

/** A person's request that a host has acknowledged. */
export interface Acknowledged {
  readonly key: string;
  readonly id: number;
}

export interface PlanName {
  readonly project: string;
  readonly plan: string;
}

/** Sends a request to any host, and repeats it with the same key, also to other hosts, until one answers. */
export async function askAnyHost(
  { hosts, random }: Pick<Trouble, 'hosts' | 'random'>,
  request: PlanName & { readonly type: string; readonly key: string },
): Promise<Acknowledged> {
  const { key, ...what } = request;
  for (;;) {
    const host = hosts[Math.floor(random() * hosts.length)];
    try {
      const answer = await host?.client().send({ ...what, dedupeKey: key, waitMs: 1_000 });
      if (answer !== undefined) return { key, id: answer.signal.id };
    } catch (thrown) {
      if (!mayPass(thrown)) throw thrown;
    }
    await delay(100);
  }
}

/** The daemon is stopped, cannot reach the database, or was lost and is starting again. */
function mayPass(thrown: unknown): boolean {
  if (thrown instanceof EngineError) return ['unavailable', 'store_locked', 'owner_taken'].includes(thrown.code);
  return thrown instanceof Error && (thrown.message === 'nobody listens' || thrown.name === 'TimeoutError');
}

/** People pause and resume plans at any host until `over` aborts. */
export async function pauseAndResume(
  { hosts, random, over }: Pick<Trouble, 'hosts' | 'random' | 'over'>,
  plans: readonly PlanName[],
): Promise<Acknowledged[]> {
  const answered: Promise<Acknowledged>[] = [];
  for (let number = 0; !over.aborted; number += 1) {
    const [at, share] = [random(), random()];
    const plan = plans[Math.floor(at * plans.length)];
    const type = share < 0.5 ? 'pause' : 'resume';
    if (plan !== undefined) {
      const answer = askAnyHost({ hosts, random }, { ...plan, type, key: `person-${number}` });
      answer.catch(() => {}); // thrown at the end
      answered.push(answer);
    }
    await hold(500 + random() * 2_000, over);
  }
  return Promise.all(answered);
}
