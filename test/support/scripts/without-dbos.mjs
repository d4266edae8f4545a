/** Makes the package of DBOS one that is not installed: `node --import`. */
import { register } from 'node:module';

const hooks = `export function resolve(name, context, next) {
  if (name !== '@dbos-inc/dbos-sdk') return next(name, context);
  throw Object.assign(new Error("Cannot find package '@dbos-inc/dbos-sdk'"), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
