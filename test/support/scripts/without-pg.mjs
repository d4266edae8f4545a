/** Makes the package pg one that is not installed: `node --import`. */
import { register } from 'node:module';

const hooks = `export function resolve(name, context, next) {
  if (name !== 'pg') return next(name, context);
  throw Object.assign(new Error("Cannot find package 'pg'"), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
