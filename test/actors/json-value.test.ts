/** What a row can hold as JSON, and how an error of a chart goes through it. */
import { describe, expect, it } from 'vitest';
import { asJson, errorAsJson, jsonProblem, keptError, replaced, withErrors } from '../../actors/json-value.ts';

class Account {
  readonly id = 1;
}
const circle: Record<string, unknown> = {};
circle.self = circle;

/** Arrays in arrays. */
function nested(depth: number): unknown {
  return depth === 0 ? null : [nested(depth - 1)];
}

describe('a value', () => {
  it.each([null, 'text', '', true, false, 0, -1.5, [], {}, [1, [2]], { a: { b: null } }, Object.create(null)])(
    'can be stored: %j',
    (value) => expect(jsonProblem(value)).toBeNull(),
  );

  it.each([
    [Number.NaN, 'it is NaN'],
    [{ cost: Number.POSITIVE_INFINITY }, 'cost is Infinity'],
    [undefined, 'it is undefined'],
    [[1, undefined], '[1] is undefined'],
    [{ list: new Array(2) }, 'list[0] is undefined'],
    [() => 1, 'it is a function'],
    [{ a: { b: 1n } }, 'a.b is a bigint'],
    [{ list: [{ at: new Date(0) }] }, 'list[0].at is a Date'],
    [[new Map()], '[0] is a Map'],
    [new Account(), 'it is a Account'],
    [{ thrown: new TypeError('x') }, 'thrown is a TypeError'],
    [{ good: 1, bad: Symbol('s') }, 'bad is a symbol'],
  ])('cannot be stored, and its place is named: %s', (value, problem) => expect(jsonProblem(value)).toBe(problem));

  it('may have a property that is undefined: JSON leaves it out', () => {
    expect(jsonProblem({ a: undefined })).toBeNull();
    expect(asJson('the context', { a: undefined, b: 1 })).toEqual({ b: 1 });
  });

  it('is no circle, and at most a hundred levels deep', () => {
    expect(jsonProblem(nested(101))).toBeNull();
    expect(jsonProblem(nested(102))).toMatch(/^(\[0\])+ is too deep, or a circle$/);
    expect(jsonProblem(circle)).toMatch(/^self(\.self)+ is too deep, or a circle$/);
  });

  it('is copied; where it cannot be, the failure names the whole and the part', () => {
    const value = { list: [1] };
    expect(asJson('the context', value)).toEqual(value);
    expect(asJson('the context', value)).not.toBe(value);
    expect(() => asJson('the context', { at: new Date(0) })).toThrow(
      'the context cannot be kept as JSON: at is a Date',
    );
  });
});

describe('an error', () => {
  const failed = () => Object.assign(new TypeError('no such host'), { code: 'ENOTFOUND', tries: 3, isFinal: true });

  it('can be stored once it is kept, and is an error with its own fields again', () => {
    const error = failed();
    expect(keptError(error)).toBe(error);
    expect(Object.keys(error)).toEqual(['code', 'tries', 'isFinal']);
    expect(jsonProblem({ error })).toBeNull();
    const { error: read } = withErrors(asJson('the context', { error })) as { error: TypeError };
    expect(read).toBeInstanceOf(Error);
    expect(read).toMatchObject({
      name: 'TypeError',
      message: 'no such host',
      code: 'ENOTFOUND',
      tries: 3,
      isFinal: true,
    });
    expect(read.stack).toBe('TypeError: no such host');
    expect(Object.keys(read)).toEqual(['code', 'tries', 'isFinal']);
    // It can be stored again.
    expect(asJson('the context', { read })).toEqual({ read: errorAsJson(failed()) });
    read.name = 'Other';
    expect(read.name).toBe('Other');
  });

  it('loses what lies deeper, which may be a request with its secrets, and its stack', () => {
    const error = Object.assign(failed(), { request: { headers: { authorization: 'secret' } }, retry: () => {} });
    expect(errorAsJson(error)).toEqual({
      ...{ stator$$type: 'error', name: 'TypeError', message: 'no such host' },
      ...{ code: 'ENOTFOUND', tries: 3, isFinal: true },
    });
  });

  it('with much data has only its name and the beginning of its message', () => {
    const long = 'x'.repeat(9_000);
    const short = Object.assign(new Error('too long'), { body: long });
    expect(errorAsJson(short)).toEqual({ stator$$type: 'error', name: 'Error', message: 'too long' });
    expect(errorAsJson(new Error(long))).toEqual({
      stator$$type: 'error',
      name: 'Error',
      message: long.slice(0, 8_192),
    });
    const form = JSON.stringify(errorAsJson(Object.assign(new Error(''), { body: '' }))).length;
    const fits = Object.assign(new Error(''), { body: 'x'.repeat(8_192 - form) });
    expect(errorAsJson(fits)).toHaveProperty('body');
    expect(errorAsJson(Object.assign(new Error(''), { body: `x${fits.body}` }))).not.toHaveProperty('body');
  });

  it('that cannot be changed, and a value that is no error, stay as they are', () => {
    const frozen = Object.freeze(new Error('x'));
    expect(keptError(frozen)).toBe(frozen);
    expect(Object.hasOwn(frozen, 'toJSON')).toBe(false);
    expect(keptError('text')).toBe('text');
    const kept = keptError(new Error('x'));
    expect(keptError(kept)).toBe(kept);
  });

  it('is an object like any other if JSON did not carry it', () => {
    expect(jsonProblem(Object.assign(new Error('x'), { toString: () => 'x' }))).toBe('it is a Error');
    expect(jsonProblem({ toJSON: 'text' })).toBeNull();
  });
});

describe('a thrown value', () => {
  it.each([
    ['a text', 'stopped', 'stopped'],
    ['a value', { reason: 1 }, { reason: 1 }],
    ['null', null, null],
  ])('that is no error is stored as it is: %s', (_what, thrown, stored) => {
    expect(errorAsJson(thrown)).toEqual(stored);
  });

  it('that JSON cannot carry is stored as an error with its text', () => {
    for (const thrown of [undefined, circle, 1n, 'x'.repeat(8_191)])
      expect(errorAsJson(thrown)).toMatchObject({ stator$$type: 'error', name: 'Error' });
    expect(errorAsJson(1n)).toMatchObject({ message: '1' });
    expect(errorAsJson('x'.repeat(8_190))).toBe('x'.repeat(8_190));
  });
});

describe('what is replaced in a value', () => {
  it('is in a copy; the parts around it are copied, and all others are the very same', () => {
    const value = { list: [{ old: true }, { kept: 1 }], other: { kept: 2 } };
    const copy = replaced(value, (part) => ('old' in part ? 'new' : undefined)) as typeof value;
    expect(copy).toEqual({ list: ['new', { kept: 1 }], other: { kept: 2 } });
    expect(Array.isArray(copy.list)).toBe(true);
    expect(copy.list[1]).toBe(value.list[1]);
    expect(copy.other).toBe(value.other);
    expect(value.list[0]).toEqual({ old: true });
  });

  it('is nothing in a value without such parts', () => {
    const value = { list: [{ stator$$type: 'other' }], text: 'x', none: null };
    expect(withErrors(value)).toBe(value);
    for (const plain of [null, 1, 'x', undefined]) expect(withErrors(plain)).toBe(plain);
    expect(replaced({ old: true }, () => null)).toBeNull();
  });
});
