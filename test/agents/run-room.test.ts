/** A home on a full disk: the result of an agent is still known, and a run that could not start is not begun. Needs root, to mount a small disk. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { watchRun } from '../../runtime/work/agents/liveness.ts';
import { createRunFolder, readClaim, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { type LaunchRequest, launch } from '../../runtime/work/agents/wrapper.ts';
import { outputLostMark, writerKilledMark } from '../../runtime/work/agents/wrapper-script.ts';
import { gate } from '../support/engine.ts';
import { createRun, until } from '../support/run.ts';

const disks: string[] = [];
afterEach(() => {
  for (const disk of disks.splice(0)) {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  }
});

/** A disk of 256 KiB; null where this machine lets us mount none. */
function smallDisk(): string | null {
  const disk = mkdtempSync(join(tmpdir(), 'stator-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', disk], { stdio: 'ignore' });
    disks.push(disk);
    return disk;
  } catch {
    rmSync(disk, { recursive: true, force: true });
    return null;
  }
}

function fill(disk: string): void {
  execFileSync('sh', ['-c', `cat /dev/zero > '${disk}/fill' 2>/dev/null || true`]);
}

/** A run of that script whose folder lies on the disk, and whose work does not. */
function runOn(disk: string, script: string, name = 'run-1'): LaunchRequest {
  const { request } = createRun('true');
  const folder = runFolderAt(join(disk, 'runs'), name, 'of-the-test');
  createRunFolder(folder);
  return { ...request, folder, argv: ['sh', '-c', script] };
}

const forever = new AbortController().signal;

test('an agent that fills the disk of the home and ends well has ended well', async (context) => {
  const disk = smallDisk();
  if (disk === null) return context.skip('no mount is allowed here');
  for (const code of [0, 7]) {
    const request = runOn(disk, `cat /dev/zero > '${disk}/fill' 2>/dev/null; exit ${code}`, `run-${code}`);
    const { folder } = request;
    expect((await launch(request)).kind).toBe('started');
    expect(await watchRun(folder, { abort: forever })).toEqual({ kind: 'exited', code });
    expect(() => writeFileSync(join(disk, 'more'), 'x'.repeat(8_192))).toThrow('ENOSPC');
    rmSync(join(disk, 'fill'));
  }
});

test('an agent that prints while the disk is full goes on, and its log says where output is missing', async (context) => {
  const disk = smallDisk();
  if (disk === null) return context.skip('no mount is allowed here');
  const big = "head -c 200000 /dev/zero | tr '\\0' x";
  const script = `echo first; ${big} || exit 9; ${big} || exit 9; echo; rm '${disk}/fill'; ${gate(join(disk, 'go'))}; echo room; echo last; exit 5`;
  const request = runOn(disk, script);
  const { folder } = request;
  execFileSync('dd', ['if=/dev/zero', `of=${disk}/fill`, 'bs=1k', 'count=160'], { stdio: 'ignore' });
  expect((await launch(request)).kind).toBe('started');
  await until(() => !existsSync(join(disk, 'fill')));
  // What comes after the next line that is dropped finds room.
  writeFileSync(join(disk, 'go'), '');
  expect(await watchRun(folder, { abort: forever })).toEqual({ kind: 'exited', code: 5 });
  const log = readFileSync(folder.log, 'utf8');
  expect([log.startsWith('first\n'), log.includes(outputLostMark), existsSync(folder.outputLost)]).toEqual([
    true,
    true,
    true,
  ]);
});

test('an agent whose output is written by a program that somebody kills goes on, and its log does not blame the disk', async () => {
  const { folder, request } = createRun('true');
  const script = `echo first
wrapper=$(ps -o ppid= -p $PPID | tr -d ' ')
for cat in $(ps -eo pid=,ppid=,comm= | while read -r pid parent name; do
  grand=$(ps -o ppid= -p "$parent" 2>/dev/null | tr -d ' ')
  if [ "$name" = cat ] && { [ "$parent" = "$wrapper" ] || [ "$grand" = "$wrapper" ] || [ "$parent" = "$PPID" ] || [ "$grand" = "$PPID" ]; }; then echo "$pid"; fi
done); do kill -9 "$cat"; done
echo second; echo third; exit 5`;
  expect((await launch({ ...request, argv: ['sh', '-c', script] })).kind).toBe('started');
  expect(await watchRun(folder, { abort: forever })).toEqual({ kind: 'exited', code: 5 });
  const log = readFileSync(folder.log, 'utf8');
  expect([log.includes(writerKilledMark), log.includes(outputLostMark), existsSync(folder.outputLost)]).toEqual([
    true,
    false,
    true,
  ]);
});

test('the log of an agent whose output is all there says nothing of missing output', async () => {
  const { folder, request } = createRun("head -c 3000000 /dev/zero | tr '\\0' x; exit 2");
  await launch(request);
  expect(await watchRun(folder, { abort: forever })).toEqual({ kind: 'exited', code: 2 });
  expect([statSync(folder.log).size, existsSync(folder.outputLost)]).toEqual([3_000_000, false]);
});

test('a run that finds no room for its start is not begun, and starts when there is room', async (context) => {
  const disk = smallDisk();
  if (disk === null) return context.skip('no mount is allowed here');
  const request = runOn(disk, 'exit 3');
  writeFileSync(request.folder.log, '');
  fill(disk);
  await expect(launch(request)).rejects.toMatchObject({ code: 'disk_full' });
  expect(readClaim(request.folder)).toBeNull();
  const next = runFolderAt(join(disk, 'runs'), 'run-2', 'of-the-test');
  expect(() => createRunFolder(next)).toThrow(expect.objectContaining({ code: 'disk_full' }));
  rmSync(join(disk, 'fill'));
  expect((await launch(request)).kind).toBe('started');
  expect(await watchRun(request.folder, { abort: forever })).toEqual({ kind: 'exited', code: 3 });
});

test('a run that finds no process for its start is not begun, and starts when there is one', async () => {
  const { folder, request } = createRun('exit 3');
  const wrapper = readFileSync(folder.wrapper, 'utf8');
  writeFileSync(folder.wrapper, 'echo "sh: 1: Cannot fork" >&2; exit 2\n');
  await expect(launch(request)).rejects.toMatchObject({
    code: 'system_limit',
    message: expect.stringMatching(/^no more processes/),
  });
  expect(readClaim(folder)).toBeNull();
  writeFileSync(folder.wrapper, wrapper);
  expect((await launch(request)).kind).toBe('started');
  expect(await watchRun(folder, { abort: forever })).toEqual({ kind: 'exited', code: 3 });
});
