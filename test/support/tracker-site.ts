/** A repo whose origin is at a tracker on this machine, with an intake of its issues. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterwards, type EngineSetup, ground, startEngine, type TestEngine, waves } from './engine.ts';
import { type Ground, git, until } from './ground.ts';
import { jiraAccount } from './tracker-jira.ts';
import { linearAddress } from './tracker-linear.ts';
import { startTracker, type TrackerKind, type TrackerServer, trackerToken } from './tracker-server.ts';

/** `intakeLookMs`: null: the engine polls at its usual intervals. */
type SiteSetup = Omit<EngineSetup, 'intakeLookMs'> & { readonly intakeLookMs?: number | null };

export interface TrackerSite {
  readonly on: Ground;
  readonly tracker: TrackerServer;
  /** Starts an engine whose intake table has these further keys. */
  start(keys?: string, setup?: SiteSetup): Promise<TestEngine>;
}

/** The tracker's name for an account. */
export const accountOf: Readonly<Record<TrackerKind, (name: string) => string>> = {
  ...{ github: (name) => name, gitea: (name) => name, gitlab: (name) => name, 'jira-server': (name) => name },
  ...{ linear: linearAddress, jira: jiraAccount },
};

/** The keys that name the tracker in its intake's table. If the tracker has no repository rights, `ada` is in `authors`. */
export function trackerTable(
  { kind, url }: Pick<TrackerServer, 'kind' | 'url'>,
  authors: readonly string[] = [],
): string {
  const service = `url = "${url}"\ntoken = "env:TRACKER_TOKEN"\nallow_private = true\n`;
  const own: Readonly<Record<TrackerKind, string>> = {
    ...{ github: '', gitea: '', gitlab: '', linear: `team = "eng"\n${service}` },
    jira: `jql = "project = ENG"\nemail = "bot@acme.test"\n${service}`,
    'jira-server': `jql = "project = ENG"\n${service}`,
  };
  const named = [...(own[kind] === '' ? [] : ['ada']), ...authors].map(accountOf[kind]);
  const source = kind === 'jira-server' ? 'jira' : kind;
  return `source = "${source}"\nproject = "demo"\n${own[kind]}authors = ${JSON.stringify(named)}\n`;
}

/** Writes the list of servers and the remote into that home and repo. */
export function layTracker(on: Ground, { kind, url }: TrackerServer): void {
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  // A service that is no forge is only named in the table.
  if (trackerTable({ kind, url }).includes('TRACKER_TOKEN')) return;
  git(on.repo, 'remote', 'add', 'origin', `${url}/ada/demo.git`);
  writeFileSync(
    join(on.home, 'servers.toml'),
    `[[servers]]\nname = "here"\nurl = "${url}"\nkind = "${kind}"\ntoken = "env:TRACKER_TOKEN"\nallow_private = true\n`,
  );
}

/** `authors`: the people who may start work according to the table. */
export async function trackerSite(kind: TrackerKind, authors: readonly string[] = []): Promise<TrackerSite> {
  const on = ground();
  const tracker = await startTracker(kind);
  afterwards(tracker.stop);
  layTracker(on, tracker);
  return {
    on,
    tracker,
    start(keys = '', { intakeLookMs = 40, ...setup } = {}) {
      const file = join(on.home, 'daemon.toml');
      if (!existsSync(file)) appendFileSync(file, `${waves}[intake.issues]\n${trackerTable(tracker, authors)}${keys}`);
      const env = { ...on.env, TRACKER_TOKEN: trackerToken };
      return startEngine({ on, env, ...(intakeLookMs === null ? {} : { intakeLookMs }), ...setup });
    },
  };
}

/** A message that makes the session's agent run that script. */
export function messageOf(script: string): string {
  return `message = ${JSON.stringify(`\`\`\`sh\n${script}\n\`\`\``)}\n`;
}

export async function untilTaken({ client }: TestEngine, count: number): Promise<readonly string[]> {
  const look = async () => (await client.intake({ name: 'issues' })).items.filter((item) => item.started_at !== null);
  await until(
    async () => (await look()).length === count,
    async () => JSON.stringify([await client.intake({ name: 'issues' }), await client.warnings()]),
  );
  return (await look()).map(({ plan }) => plan);
}
