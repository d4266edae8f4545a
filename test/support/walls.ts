/** Shared by tests of walls: whether walls can be built here, and an engine whose agents run inside of them. */
import { probeBubblewrap } from '../../runtime/base/platform/bubblewrap.ts';
import { type EngineSetup, startEngine, type TestEngine } from './engine.ts';

const found = await probeBubblewrap(process.env);

/** null: walls can be built; otherwise why the tests about them are skipped. */
export const noWallsHere: string | null = found.kind === 'works' ? null : found.reason;

/** Agents must run inside of walls; `keys` are further lines of `[agents.default]`. */
export function startWalled(keys = '', setup: EngineSetup = {}): Promise<TestEngine> {
  const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "bwrap"\n${keys}`;
  return startEngine({ daemon, ...setup });
}
