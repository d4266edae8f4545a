/** Each sentence that README.md and SECURITY.md promise has a test that holds it, which is there by that very title. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reasons } from '../../machines/vocabulary/effect.ts';
import { fileOf, heldBy, type PromisingDocument, promisesOf } from '../../scripts/promises-section.ts';

describe.each(Object.keys(heldBy) as PromisingDocument[])('%s', (document) => {
  it('names for each promise a test that holds it', () => {
    const promises = promisesOf('.', document);
    expect(promises.length).toBeGreaterThan(25);
    const unheld = promises.filter((sentence) => !heldBy[document].some(([begin]) => sentence.startsWith(begin)));
    expect(unheld).toEqual([]);
  });

  it('names tests that are there, and promises that are made', () => {
    const promises = promisesOf('.', document);
    const wrong = heldBy[document].filter(([begin, file, title]) => {
      const isMade = promises.some((sentence) => sentence.startsWith(begin));
      return !isMade || !readFileSync(`test/${fileOf(file)}`, 'utf8').includes(title);
    });
    expect(wrong).toEqual([]);
  });
});

it('explains every reason for which a run fails', () => {
  const text = readFileSync('docs/running.md', 'utf8');
  expect(reasons.filter((reason) => !text.includes(`\`${reason}\``))).toEqual([]);
});

it('asks no host but those of forges and hooks', () => {
  const sources = ['runtime', 'cli', 'actors', 'machines'].flatMap((folder) => filesIn(folder));
  const asking = sources.filter((file) =>
    /import [^;]*\b(request|get)\b[^;]* from 'node:https?'|from '(@octokit|undici|node:tls)|[^.\w]fetch\('/.test(
      readFileSync(file, 'utf8'),
    ),
  );
  expect(asking.sort()).toEqual([
    'runtime/api/client/call.ts', // the engine's own socket, or the server that a person named
    'runtime/base/platform/outbound.ts',
    'runtime/work/forges/forge-call.ts',
  ]);
  const users = sources.filter((file) => /from '[^']*platform\/outbound\.ts'/.test(readFileSync(file, 'utf8')));
  expect(
    users.every((file) => file.startsWith('runtime/work/forges/') || file === 'runtime/work/effects/hook-webhook.ts'),
  ).toBe(true);
  expect(users.length).toBeGreaterThan(1);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}
