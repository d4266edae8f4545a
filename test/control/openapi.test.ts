import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { errorClasses } from '../../machines/vocabulary/errors.ts';
import { errorsOf } from '../../runtime/api/control/openapi.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { nouns, operations } from '../../runtime/api/operations/operations.ts';
import { ask } from '../support/api.ts';
import { startEngine } from '../support/engine.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: unknown }>>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

async function description(): Promise<Document> {
  const { engine } = await startEngine({ adds: false });
  return (await ask(engine, 'GET /openapi.json')).json as Document;
}

it('the description names exactly the existing routes', async () => {
  const { paths } = await description();
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
  expect(described.sort()).toEqual(routes.map(({ key }) => key).sort());
  expect(new Set(routes.map(({ key }) => key)).size).toBe(routes.length);
  const keys: readonly string[] = routes.map(({ key }) => key);
  expect(Object.values(operations).filter(({ http }) => !keys.includes(http))).toEqual([]);
});

it('no two nouns have operations of the same name, so that none hides another', () => {
  const names = Object.values(nouns).flatMap((ofNoun) => Object.keys(ofNoun));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(Object.keys(operations).length).toBe(names.length);
});

it('the description is consistent: references resolve, path parameters are named, statuses match the answers and errors of each route', async () => {
  const document = await description();
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version } });
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name);
  expect(references.length).toBeGreaterThan(20);
  expect(references.filter((name) => !(name in document.components.schemas))).toEqual([]);

  const operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ path, method, operation })),
  );
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  for (const { path, method, operation } of operations) {
    const inPath = (operation.parameters ?? []).filter((each) => each.in === 'path');
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(inPath.map(({ name }) => name).sort(), path).toEqual(names.sort());
    expect(
      inPath.every(({ required }) => required),
      path,
    ).toBe(true);
    expect(operation.summary, path).not.toBe('');
    const route = routes.find(({ key }) => key === `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    if (route === undefined) throw new Error(`${method} ${path}`);
    const statuses = [
      ...Object.keys(route.definition.answers),
      ...errorsOf(route).map((each) => errorClasses[each].status),
    ];
    expect(Object.keys(operation.responses).sort(), path).toEqual([...new Set(statuses.map(String))].sort());
  }
});

it('where a signal may be refused, the description names that code too', async () => {
  const { paths } = await description();
  const refusals = Object.values(paths)
    .flatMap(Object.values<Operation>)
    .map(({ responses }) => responses[409]);
  const ofVerdicts = refusals.filter((each) => JSON.stringify(each ?? {}).includes('/schemas/Refused"'));
  expect(ofVerdicts.length).toBeGreaterThan(10);
  expect(ofVerdicts.filter((each) => !each?.description.split(', ').includes('refused'))).toEqual([]);
});

it('a client loads neither the schemas nor the routes: they would cost each verb its start', () => {
  const runtime = fileURLToPath(new URL('../../runtime/', import.meta.url));
  const seen = new Set<string>();
  const packages = new Set<string>();
  const walk = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    // What is imported as types alone is gone at run time; what is imported by a call is loaded when it is called.
    const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gm);
    for (const [, path = ''] of imports)
      if (path.startsWith('.')) walk(resolve(dirname(file), path));
      else packages.add(path);
  };
  walk(resolve(runtime, 'engine/connect.ts'));
  expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual([]);
  expect(
    [...seen]
      .map((file) => file.slice(runtime.length))
      // Schemas of operations and of their answers are functions of the library, which a client does not have.
      .filter((file) => /^(api|engine)\/(?!operations)/.test(file))
      .sort(),
  ).toEqual([
    'api/client/call.ts',
    'api/client/client.ts',
    'api/client/no-answer.ts',
    'api/client/options.ts',
    'api/contract/admission-errors.ts',
    'engine/attach.ts',
    'engine/connect.ts',
  ]);
});
