/** A bug report contains no secrets: people attach it to public issues. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { reportFailure } from '../../cli/failure.ts';
import { createOutput } from '../../cli/output.ts';

const home = mkdtempSync(join(tmpdir(), 'stator-report-'));
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('what was typed after a verb and its flags is not in it, word for word or in the error; verb, flags and stack are', () => {
  let said = '';
  const stream = { write: (text: string) => (said += text) };
  const settings = { json: false, quiet: false, verbose: false };
  const out = createOutput({ stdout: stream, stderr: stream, env: { STATOR_HOME: home }, ...settings });
  const payload = '{"body":"the launch code is 0000"}';
  const argv = [
    'signal',
    'emit',
    'review_approved',
    'p',
    '--payload',
    payload,
    '--content=my whole diary',
    'sk-12345678',
  ];
  const bug = new Error(`cannot read ${payload} of https://ada:pass@word@example.com`, {
    cause: new Error(`with ${JSON.stringify(payload)}, my whole diary and sk-12345678`),
  });
  expect(reportFailure(bug, { out, argv, version: '1.0.0' })).toBe(70);
  const [file = ''] = readdirSync(join(home, 'reports'));
  const report = readFileSync(join(home, 'reports', file), 'utf8');
  for (const typed of ['launch code', 'diary', 'sk-1234', 'pass', 'word@']) expect(report).not.toContain(typed);
  expect(report).toContain(
    'stator signal emit <15 characters> <1 characters> --payload <34 characters> --content=<14 characters>',
  );
  expect(report).toContain('bug-report.test.ts');
  expect(said).not.toContain('word@');
});
