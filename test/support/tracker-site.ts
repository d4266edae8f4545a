/** A repo whose origin is at a tracker of this machine, with an intake of its issues. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterwards, type EngineSetup, ground, startEngine, type TestEngine, waves } from './engine.ts';
import { type Ground, git, until } from './ground.ts';
import { startTracker, type TrackerKind, type TrackerServer, trackerToken } from './tracker-server.ts';

export interface TrackerSite {
  readonly on: Ground;
  readonly tracker: TrackerServer;
  /** The intake's table with more keys. */
  start(keys?: string, setup?: EngineSetup): Promise<TestEngine>;
}

/** Lays it out in the home of that place: the list of servers, and the remote. */
export function layTracker(on: Ground, { kind, url }: TrackerServer): void {
  git(on.repo, 'remote', 'add', 'origin', `${url}/ada/demo.git`);
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(on.home, 'servers.toml'),
    `[[servers]]\nname = "here"\nurl = "${url}"\nkind = "${kind}"\ntoken = "env:TRACKER_TOKEN"\nallow_private = true\n`,
  );
}

export async function trackerSite(kind: TrackerKind): Promise<TrackerSite> {
  const on = ground();
  const tracker = await startTracker(kind);
  afterwards(tracker.stop);
  layTracker(on, tracker);
  return {
    on,
    tracker,
    start(keys = '', setup = {}) {
      const file = join(on.home, 'daemon.toml');
      if (!existsSync(file))
        appendFileSync(file, `${waves}[intake.issues]\nsource = "${kind}"\nproject = "demo"\n${keys}`);
      const env = { ...on.env, TRACKER_TOKEN: trackerToken };
      return startEngine({ on, env, intakeLookMs: 40, ...setup });
    },
  };
}

/** A session whose agent runs that script. */
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
