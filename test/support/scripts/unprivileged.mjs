/** Calls one function of the product with one path, as the user under which it is started: prints the error's document, or null. */
const [module, name, path] = process.argv.slice(2);
const functions = await import(`../../../dist/runtime/${module}`);
let said = null;
try {
  await functions[name](path, { migrations: [] });
} catch (thrown) {
  said = thrown.toJSON();
}
process.stdout.write(JSON.stringify(said));
