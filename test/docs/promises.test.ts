/** Each sentence that README.md and SECURITY.md promise has a test that holds it, which is there by that very title. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockSources } from '../../machines/vocabulary/block-source.ts';
import { reasons } from '../../machines/vocabulary/effect.ts';
import { notificationTypes } from '../../machines/vocabulary/notification.ts';
import { waiting } from '../../runtime/api/contract/shared-shapes.ts';

/** The places of a document that promise something. The rest teaches, or says what is not promised. */
const places = [
  [
    'README.md',
    '\n## README\n',
    /^- \*\*(.*?)(?=\n- \*\*|\n\n)|\*\*Requirements:\*\*.*?checks them\.(.*?)\n|## When something fails\n(.*?)(?=\n## )/gms,
  ],
  ['SECURITY.md', '\n## Security\n', /\*Promised\*(.*?)(?=\n\*Not promised\*|\n## |$)/gs],
] as const;

describe.each(places)('%s', (document, heading, place) => {
  const promises = promisesIn(readFileSync(document, 'utf8'), place);
  const rows = rowsBelow(heading);

  it('has each of its promises in docs/promises.md, and none that it does not make', () => {
    expect(promises.length).toBeGreaterThan(25);
    expect(rows.map(([promise]) => promise)).toEqual(promises);
  });

  it('is held by tests that are there by those very titles', () => {
    const wrong = rows.filter(([, tests = '']) => {
      const held = [...tests.matchAll(/\[[^\]]+\]\(\.\.\/([^)]+)\): (.+?)(?=; \[[^\]]+\]\(|$)/g)];
      return (
        !held.every(([, file = '', title = '']) => readFileSync(file, 'utf8').includes(title)) || held.length === 0
      );
    });
    expect(wrong).toEqual([]);
  });
});

/** Its sentences, without those that are a link alone or that name the chapter. */
function promisesIn(text: string, place: RegExp): string[] {
  return [...text.matchAll(place)].flatMap((found) =>
    found
      .slice(1)
      .join('')
      .replace(/:\s*^```.*?^```$/gms, '.')
      .replace(/(?<=\.) \[[^\]]*\]\([^)]*\)\.?$/gm, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/\s+/g, ' ')
      .replace(/^[^*]*:\*\* |\*\*/g, '')
      .split(/(?<=\.) (?=[-A-Z`])/)
      .map((sentence) => sentence.replace(/^[\s,:-]+/, '').trim())
      .filter((sentence) => /[.:]$/.test(sentence)),
  );
}

/** The rows of the table below a heading of docs/promises.md. */
function rowsBelow(heading: string): string[][] {
  const [, below = ''] = readFileSync('docs/promises.md', 'utf8').split(heading);
  const lines = (below.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) =>
    line
      .slice(2, -2)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.replaceAll('\\|', '|').trim()),
  );
}

it.each([
  ['every reason for which a run fails', reasons],
  ['everything that a plan waits for', waiting.shape.kind.options],
  ['everything that blocks a plan', blockSources],
  ['every notification', notificationTypes],
])('explains %s', (_, words) => {
  const text = readFileSync('docs/running.md', 'utf8');
  expect(words.filter((word) => !text.includes(`\n| \`${word}\` |`))).toEqual([]);
});

it('asks no host but those of forges, hooks and chats', () => {
  const sources = ['runtime', 'cli', 'actors', 'machines'].flatMap((folder) => filesIn(folder));
  const asking = sources.filter((file) =>
    /import [^;]*\b(request|get)\b[^;]* from 'node:https?'|from '(@octokit|undici|node:tls)|[^.\w]fetch\('/.test(
      readFileSync(file, 'utf8'),
    ),
  );
  expect(asking.sort()).toEqual([
    'runtime/api/client/call.ts', // the engine's own socket, or the server that a person named
    'runtime/base/platform/outbound.ts',
    'runtime/work/agents/egress/proxy.ts', // what an agent asks for
    'runtime/work/forges/forge-call.ts',
  ]);
  const users = sources.filter((file) => /from '[^']*platform\/outbound\.ts'/.test(readFileSync(file, 'utf8')));
  const others = users.filter((file) => !file.startsWith('runtime/work/forges/'));
  expect(others.sort()).toEqual(['runtime/work/chats/chat-call.ts', 'runtime/work/effects/hook-webhook.ts']);
  expect(users.length).toBeGreaterThan(1);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}
