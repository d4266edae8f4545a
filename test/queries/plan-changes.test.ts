/** The changes of a plan as a page reads them: the list of files, and each file separately. */
import { expect, it } from 'vitest';
import { begin, gate, openGate, planText, startEngine, untilFile, untilStatus } from '../support/engine.ts';

it('one file is read in parts that make up the whole, however long it or one of its lines is', async () => {
  const engine = await startEngine();
  const { client } = engine;
  const wide = `node -e "process.stdout.write('a\\n' + '\\u{1f600}'.repeat(150000) + '\\nz\\n')" > wide.txt`;
  const notUtf8 = `echo y > "n$(printf '\\351[1].txt')"; echo z > n1.txt`;
  await begin(engine, 'long', planText([`seq 1 60000 > long.txt; ${wide}; echo x > '<b> &amp;.txt'; ${notUtf8}`]));
  await untilStatus(engine, 'long', 'done');
  const { files, total, next, from, to } = await client.planChanges('demo', 'long');
  expect(files.map(({ path, folded }) => [path, folded])).toEqual([
    ['<b> &amp;.txt', null],
    ['long.txt', 'long'],
    ['n1.txt', null],
    ['n\ufffd[1].txt', null],
    ['wide.txt', null],
  ]);
  expect(total).toEqual({ files: 5, insertions: 60_006, deletions: 0 });
  expect(next).toBeNull();
  const partsOf = async (path: string) => {
    const parts: string[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const part = await client.planFileDiff('demo', 'long', { path, after });
      expect(part).toMatchObject({ path, from, to });
      parts.push(part.text);
      after = part.next;
    }
    return parts;
  };
  const long = await partsOf('long.txt');
  expect(long.length).toBeGreaterThan(1);
  for (const part of long.slice(0, -1)) expect(part.endsWith('\n')).toBe(true);
  expect(long.join('').split('\n').slice(6)).toEqual(Array.from({ length: 60_000 }, (_, at) => `+${at + 1}`));
  const wideParts = await partsOf('wide.txt');
  expect(wideParts.length).toBeGreaterThan(1);
  // No character is cut in two.
  for (const part of wideParts) expect(Buffer.from(part).toString()).toBe(part);
  expect(wideParts.join('')).toContain(`\n+a\n+${'\u{1f600}'.repeat(150_000)}\n+z`);
  const odd = await client.planFileDiff('demo', 'long', { path: '<b> &amp;.txt' });
  expect(odd.text).toContain('\n+x');
  const undecoded = await client.planFileDiff('demo', 'long', { path: 'n\ufffd[1].txt' });
  expect(undecoded.text.match(/^\+(?!\+).*$/gm)).toEqual(['+y']);
  expect((await client.planDiff('demo', 'long')).diff).toContain('\n+y\n');
});

it('the lines around a change are as many as are asked for', async () => {
  const engine = await startEngine();
  await begin(engine, 'context', planText(['seq 1 30 > n.txt'], ["sed -i 's/^15$/fifteen/' n.txt"]));
  await untilStatus(engine, 'context', 'done');
  const same = async (context?: number) => {
    const query = { path: 'n.txt', task: 'w2-t1', ...(context === undefined ? {} : { context }) };
    const { text } = await engine.client.planFileDiff('demo', 'context', query);
    return text.split('\n').filter((line) => line.startsWith(' ')).length;
  };
  expect(await same()).toBe(6);
  expect(await same(5)).toBe(10);
  expect(await same(1_000)).toBe(29);
});

it('since a line of the journal there is only what came after it', async () => {
  const engine = await startEngine();
  const { client, root } = engine;
  const [began, go] = [`${root}/began`, `${root}/go`];
  await begin(engine, 'rounds', planText(['echo a > a.txt'], [`echo x > ${began}; ${gate(go)}; echo b > b.txt`]));
  await untilFile(began);
  const seq = (await client.history('demo', 'rounds')).at(-1)?.seq ?? 0;
  openGate(go);
  await untilStatus(engine, 'rounds', 'done');
  const paths = async (query: { since?: number; to?: number }) =>
    (await client.planChanges('demo', 'rounds', query)).files.map(({ path }) => path);
  expect(await paths({})).toEqual(['a.txt', 'b.txt']);
  expect(await paths({ since: seq })).toEqual(['b.txt']);
  expect(await paths({ to: seq })).toEqual(['a.txt']);
  const now = (await client.history('demo', 'rounds')).at(-1)?.seq ?? 0;
  expect(await paths({ since: now })).toEqual([]);
  const gone = client.planFileDiff('demo', 'rounds', { path: 'a.txt', since: seq });
  await expect(gone).rejects.toMatchObject({ code: 'not_found' });
  expect((await client.planFileDiff('demo', 'rounds', { path: 'b.txt', since: seq })).text).toContain('\n+b');
});
