import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { hangMs } from '../support/hang.ts';

it(
  'npm run demo:cluster: a host is lost, another one goes on with its plans by itself, and each task is done once',
  () => {
    const told = execFileSync(process.execPath, ['dist/scripts/demo-cluster.js'], {
      encoding: 'utf8',
      timeout: hangMs,
    });
    expect(told).toContain('all six plans are done, each task once');
    const tasks = told.split('\n').filter((line) => line.startsWith('  site/'));
    expect(tasks).toHaveLength(2);
    expect(tasks.join(' ')).toContain('build-2');
    expect(tasks.join(' ')).toMatch(/build-[13]/);
    expect(told).toMatch(/after \d+ s, build-[13] has cloned its repository and goes on with its plans, by itself/);
  },
  hangMs,
);
