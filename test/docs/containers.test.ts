/** The script that builds the image: what it says where no container engine is there, and what it gives to one. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createFolder } from '../support/agent.ts';

const script = join(import.meta.dirname, '../../scripts/container/build.sh');

function build(engine: string | null, ...args: string[]) {
  const root = createFolder();
  const bin = join(root, 'bin');
  mkdirSync(bin);
  for (const program of ['sh', 'dirname', 'mktemp', 'rm', 'cp', 'mv', 'ls'])
    symlinkSync(
      spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim(),
      join(bin, program),
    );
  // Packing takes long, and types.test.ts packs for real.
  const pack = '#!/bin/sh\nwhile [ "$1" != --pack-destination ]; do shift; done\n: > "$2/stator-0.1.0.tgz"\n';
  writeFileSync(join(bin, 'npm'), pack, { mode: 0o755 });
  if (engine !== null) writeFileSync(join(bin, 'docker'), `#!/bin/sh\n${engine}\n`, { mode: 0o755 });
  const env = { HOME: root, PATH: bin, TMPDIR: root, SEEN: join(root, 'seen') };
  const { status, stderr } = spawnSync('sh', [script, ...args], { env, encoding: 'utf8' });
  return { status, stderr, root };
}

it('without a container engine, says in one line that nothing is built, and why', () => {
  const none = build(null);
  expect([none.status, none.stderr]).toEqual([
    0,
    'skipped: the image is not built, since none of podman, docker and buildah is on PATH\n',
  ]);
  const silent = build('exit 1');
  expect([silent.status, silent.stderr]).toEqual([
    0,
    'skipped: the image is not built, since docker is here, but `docker info` fails: its daemon does not run, or is not yours to use\n',
  ]);
});

it('gives the engine this stator, the recipe and the program', () => {
  const engine = '[ "$1" = info ] && exit 0\nfor last; do :; done\n{ echo "$@"; ls "$last"; } > "$SEEN"';
  const { status, root } = build(engine, 'mine', '@openai/codex');
  expect(status).toBe(0);
  const [command, ...files] = readFileSync(join(root, 'seen'), 'utf8').trim().split('\n');
  expect(command).toMatch(/^build --file \S+\/Containerfile --build-arg AGENT=@openai\/codex --tag mine \S+$/);
  expect(files).toEqual(['Containerfile', 'stator.tgz']);
});
