/** `stator run` of a plan of small tasks in a new repository and home, timed from outside. Whoever imports this removes `root` at the end. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepo } from './ground.mjs';

export const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
export const tasksOfWave = 8;
export const atOnce = 4;
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const clockTicks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function planText(waves) {
  const task = (w, t) => `### Task ${t}: piece ${w}.${t}\n\n\`\`\`sh\necho ${w}.${t} > f-${w}-${t}.txt\n\`\`\`\n`;
  const wave = (w) => `## Wave ${w}\n\n${Array.from({ length: tasksOfWave }, (_, at) => task(w, at + 1)).join('\n')}`;
  return `# Bench\n\n${Array.from({ length: waves }, (_, at) => wave(at + 1)).join('\n')}`;
}

let places = 0;
/** A new folder. */
export function createPlace() {
  places += 1;
  const folder = join(root, `place-${places}`);
  mkdirSync(folder);
  return folder;
}

/** Seconds of processor of all children that have ended: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function childrenSeconds() {
  const text = readFileSync('/proc/self/stat', 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / clockTicks;
}

/** Seconds of the clock, and of the processor (`cpu`). Throws where it ends with another code than 0. */
export function timed(program, args, options) {
  const cpuBefore = childrenSeconds();
  const begun = performance.now();
  const { status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1e9, ...options });
  const seconds = (performance.now() - begun) / 1_000;
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`);
  return { seconds, cpu: childrenSeconds() - cpuBefore };
}

/** Of a whole plan, from enter to the prompt. `env`: more of it; `flags`: of node. Answers `storeBytes` besides. */
export function runPlan({ waves, env = {}, flags = [] }) {
  const folder = createPlace();
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), `max_agents = ${atOnce}\n`);
  const repo = makeRepo(folder, 'demo');
  mkdirSync(join(repo, '.stator'));
  writeFileSync(join(repo, '.stator/config.toml'), 'isolation = "task"\n\n[agents.default]\npreset = "sh"\n');
  writeFileSync(join(repo, 'plan.md'), planText(waves));
  const took = timed(process.execPath, [...flags, main, 'run', 'plan.md', '--trust', '--yes'], {
    cwd: repo,
    env: { ...process.env, STATOR_SANDBOX: 'off', ...env, HOME: folder, STATOR_HOME: home },
  });
  return { ...took, storeBytes: statSync(join(home, 'taskstore.db')).size };
}
