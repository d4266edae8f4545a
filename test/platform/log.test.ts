/** The daemon's log: the form of a line, which lines are shown, and what happens to lines that cannot be written. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { appendTo, createLog, type LogLevel } from '../../runtime/base/platform/log.ts';

/** A log in memory; the times are left out. */
function listening(level: LogLevel | (() => LogLevel)) {
  const lines: string[] = [];
  const log = createLog((text) => void lines.push(...text.trimEnd().split('\n')), level);
  return { log, lines: () => lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, '')) };
}

it('a line is time, level and message, on one line and safe for a terminal', () => {
  const { log, lines } = listening('debug');
  log.debug('one');
  log.info('two\nlines');
  log.warn('\x1b[31mred\x1b[0m %s {"args": []}');
  log.error('four', new Error('outer', { cause: new Error('inner') }));
  expect(lines().slice(0, 4)).toEqual([
    'debug one',
    'info two | lines',
    'warn red %s {"args": []}',
    'error four: outer: inner',
  ]);
  expect(lines()[4]).toMatch(/^debug Error: outer \| {5}at /);
  expect(lines()).toHaveLength(5);
});

it('the level may change between two lines', () => {
  let level: LogLevel = 'warn';
  const { log, lines } = listening(() => level);
  const sayAll = () => {
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each](each);
  };
  sayAll();
  level = 'info';
  sayAll();
  level = 'error';
  sayAll();
  expect(lines().map((line) => line.split(' ')[0])).toEqual(['warn', 'error', 'info', 'warn', 'error', 'error']);
});

it('a repeated message is written each time', () => {
  const { log, lines } = listening('info');
  for (let time = 0; time < 100; time += 1) log.warn('the store is locked');
  expect(lines()).toEqual(Array(100).fill('warn the store is locked'));
});

it('what cannot be written is counted, and said with the next line that can', () => {
  const lines: string[] = [];
  let isFull = true;
  const log = createLog((text) => {
    if (isFull) throw new Error('ENOSPC');
    lines.push(...text.trimEnd().split('\n'));
  }, 'info');
  for (let time = 0; time < 7; time += 1) log.info('lost');
  log.debug('not shown, so not lost');
  isFull = false;
  log.info('kept');
  log.info('next');
  expect(lines.map((line) => line.slice(25))).toEqual([
    'warn 7 lines before this one could not be written',
    'info kept',
    'info next',
  ]);
});

it('a file beyond its limit becomes .1, that one .2, and the oldest goes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stator-log-'));
  try {
    const append = appendTo(join(folder, 'log'), 10);
    for (const text of ['first\n', 'second\n', 'third\n', 'fourth\n']) append(text);
    expect(statSync(join(folder, 'log')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['log', 'log.1', 'log.2']);
    expect(['log.2', 'log.1', 'log'].map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual([
      'second\n',
      'third\n',
      'fourth\n',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a log loads no library before its first message', () => {
  const module = join(import.meta.dirname, '../../dist/runtime/base/platform/log.js');
  const script = `import { createRequire } from 'node:module';
    const { createLog } = await import(${JSON.stringify(module)});
    const isLoaded = () => Object.keys(createRequire(${JSON.stringify(module)}).cache).some((path) => path.includes('/consola/'));
    const log = createLog(() => {}, 'info');
    const before = isLoaded();
    log.info('something');
    console.log(before, isLoaded());`;
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe(
    'false true\n',
  );
});
