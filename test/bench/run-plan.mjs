/** `stator run` of a plan of small tasks in a new repository and home, timed from outside. The importing script removes `root` at the end. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepo } from './ground.mjs';

export const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
export const tasksOfWave = 8;
export const atOnce = 4;
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
/** The number of the system call. */
const prctl = { x64: 157, arm64: 167 }[process.arch];

function planText(waves, script) {
  const task = (w, t) => `### Task ${t}: piece ${w}.${t}\n\n\`\`\`sh\n${script(`${w}-${t}`)}\n\`\`\`\n`;
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

/**
 * Runs a program and writes to descriptor 3 how many seconds it took, and how much processor time with all that it started, also what outlived its starter: those become children of this
 * one (PR_SET_CHILD_SUBREAPER, https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html), which waits for all of them. Perl comes with git.
 */
const reaper = `
  use Time::HiRes 'time';
  syscall(${prctl}, 36, 1, 0, 0, 0) == 0 or die "prctl: $!";
  my $child = fork() // die "fork: $!";
  if ($child == 0) { exec { $ARGV[0] } @ARGV or die "exec: $!" }
  my ($status, $took, $begun) = (0, 0, time);
  while ((my $ended = wait()) > 0) {
    ($status, $took) = ($?, time - $begun) if $ended == $child;
  }
  my (undef, undef, $user, $system) = times;
  open(my $out, ">&=", 3) or die "descriptor 3: $!";
  print $out $took, ' ', $user + $system;
  close $out;
  exit($status & 127 ? 128 + ($status & 127) : $status >> 8);`;

/** Seconds of the clock, and of the processor (`cpu`) over all processes. Throws where it ends with another code than 0. */
export function timed(program, args, options) {
  const { status, stderr, stdout, output } = spawnSync('perl', ['-e', reaper, program, ...args], {
    ...{ encoding: 'utf8', maxBuffer: 1e9, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
    ...options,
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`);
  const [seconds, cpu] = output[3].split(' ').map(Number);
  return { seconds, cpu };
}

/**
 * Of a whole plan, from enter to the prompt. `env`: more of it; `flags`: of node; `agents`: at the same time; `script`: what a task does, by its name.
 * Answers `storeBytes` besides.
 */
export function runPlan({
  waves,
  env = {},
  flags = [],
  agents = atOnce,
  script = (name) => `echo ${name} > f-${name}.txt`,
}) {
  const folder = createPlace();
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), `max_agents = ${agents}\n`);
  const repo = makeRepo(folder, 'demo');
  mkdirSync(join(repo, '.stator'));
  writeFileSync(join(repo, '.stator/config.toml'), 'isolation = "task"\n\n[agents.default]\npreset = "sh"\n');
  writeFileSync(join(repo, 'plan.md'), planText(waves, script));
  const took = timed(process.execPath, [...flags, main, 'run', 'plan.md', '--trust', '--yes'], {
    cwd: repo,
    env: { ...process.env, STATOR_SANDBOX: 'off', ...env, HOME: folder, STATOR_HOME: home },
  });
  return { ...took, storeBytes: statSync(join(home, 'taskstore.db')).size };
}
