/**
 * How the cost of requests grows with the size of the store: plans of 8, 64 and 512 tasks (time, processor, store and memory for each task), and stores of 1,
 * 20 and 200 repositories with 10, 1,000 and 10,000 plans (start, memory, answers; `scale` does that work). `STATOR_BENCH_SIZES=8,64` takes others. `--json`
 * prints one object; `--svg FILE` also draws it.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { print, round } from './ground.mjs';
import { root, runPlan, tasksOfWave } from './run-plan.mjs';

const sizes = (process.env.STATOR_BENCH_SIZES ?? '8,64,512').split(',').map(Number);
const stores = [
  { repos: 1, plans: 10 },
  { repos: 20, plans: 50 },
  { repos: 200, plans: 50 },
];

/** Written by the engine's process as it ends: its largest memory, in KiB. */
const peakFile = join(root, 'peak');
const notePeak = `process.on('exit', () => process.argv[1]?.endsWith('stator.js') && require('node:fs').writeFileSync(process.env.STATOR_BENCH_PEAK, String(process.resourceUsage().maxRSS)))`;

function ofTasks(tasks) {
  const hook = join(root, 'peak.cjs');
  writeFileSync(hook, notePeak);
  const env = { STATOR_BENCH_PEAK: peakFile };
  const { seconds, cpu, storeBytes } = runPlan({ waves: tasks / tasksOfWave, env, flags: ['--require', hook] });
  return {
    tasks,
    ms_per_task: Math.round((seconds * 1_000) / tasks),
    cpu_ms_per_task: Math.round((cpu * 1_000) / tasks),
    store_kib_per_task: round(storeBytes / 1_024 / tasks),
    peak_mb: Math.round(Number(readFileSync(peakFile, 'utf8')) / 1_024),
  };
}

function ofStore({ repos, plans }) {
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--expose-gc', join(import.meta.dirname, 'scale.mjs'), '--json'],
    {
      env: { ...process.env, REPOS: String(repos), PLANS: String(plans) },
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`scale ended with ${status}`);
  const { plans: all, start_ms, later_memory_mb, status_median_ms, plans_median_ms } = JSON.parse(stdout);
  return {
    repos,
    plans: all,
    start_ms,
    memory_mb: later_memory_mb,
    status_ms: status_median_ms,
    list_ms: plans_median_ms,
  };
}

/** One panel a figure: its values over the sizes, both on a scale of logarithms. */
function picture(panels) {
  const [width, height, gap] = [220, 150, 46];
  const log = (value) => Math.log10(Math.max(value, 0.1));
  const drawn = panels.map(({ title, points }, at) => {
    const [xs, ys] = [points.map(([x]) => log(x)), points.map(([, y]) => log(y))];
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [low, high] = [Math.floor(Math.min(...ys)), Math.ceil(Math.max(...ys) + 0.01)];
    const place = points.map(([x, y]) => [
      round(((log(x) - left) / (right - left)) * width),
      round(height - ((log(y) - low) / (high - low)) * height),
    ]);
    const labels = points.map(
      ([x, y], each) =>
        `<text x="${place[each][0]}" y="${place[each][1] - 8}">${y}</text><text x="${place[each][0]}" y="${height + 16}">${x}</text><circle cx="${place[each][0]}" cy="${place[each][1]}" r="3"/>`,
    );
    const line = `<polyline points="${place.map((each) => each.join(',')).join(' ')}"/>`;
    const [column, row] = [at % 3, Math.floor(at / 3)];
    return `<g transform="translate(${gap + column * (width + 2 * gap)} ${gap + row * (height + 2 * gap)})"><path d="M0 0V${height}H${width}"/><text class="title" x="0" y="-18">${title}</text>${line}${labels.join('')}</g>`;
  });
  const [fullWidth, fullHeight] = [3 * (width + 2 * gap), Math.ceil(panels.length / 3) * (height + 2 * gap)];
  const style =
    'text{font:11px sans-serif;fill:#888;text-anchor:middle}.title{font-weight:bold;text-anchor:start}path,polyline{fill:none;stroke:#888}polyline{stroke:#3b82f6;stroke-width:2}circle{fill:#3b82f6}';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${fullWidth} ${fullHeight}"><style>${style}</style>${drawn.join('')}</svg>\n`;
}

try {
  const tasks = sizes.map(ofTasks);
  const held = stores.map(ofStore);
  print(
    'growth',
    Object.fromEntries([
      ...tasks.flatMap(({ tasks: size, ...figures }) =>
        Object.entries(figures).map(([key, value]) => [`tasks_${size}_${key}`, value]),
      ),
      ...held.flatMap(({ plans, ...figures }) =>
        Object.entries(figures).map(([key, value]) => [`plans_${plans}_${key}`, value]),
      ),
    ]),
  );
  const file = process.argv[process.argv.indexOf('--svg') + 1];
  const over = (rows, x, y) => rows.map((row) => [row[x], row[y]]);
  if (process.argv.includes('--svg'))
    writeFileSync(
      file,
      picture([
        { title: 'ms a task, by tasks in the plan', points: over(tasks, 'tasks', 'ms_per_task') },
        { title: 'processor ms a task', points: over(tasks, 'tasks', 'cpu_ms_per_task') },
        { title: 'largest memory (MB)', points: over(tasks, 'tasks', 'peak_mb') },
        { title: 'start (ms), by plans in the store', points: over(held, 'plans', 'start_ms') },
        { title: 'memory (MB), by plans in the store', points: over(held, 'plans', 'memory_mb') },
        { title: 'list of all plans (ms)', points: over(held, 'plans', 'list_ms') },
      ]),
    );
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
