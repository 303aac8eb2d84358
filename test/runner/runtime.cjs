/** Loads a test file as Node.js does: the compiled file, whose imports the files of a worker share. */
const asyncHooks = require('node:async_hooks');
const { join, relative } = require('node:path');
const { pathToFileURL } = require('node:url');
const { default: Runtime } = require('jest-runtime');

/** Unit tests are quick: 20 cases of a random test. npm test runs 100. */
async function runFewerCases() {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ numRuns: 20 });
}

/** Jest's own modules, compiled once for all files of a worker: Jest compiles them again for each file. */
const compiledModules = new Map();

module.exports = class NativeRuntime extends Runtime {
  #storages = [];

  constructor(...args) {
    super(...args);
    const compile = this.executor.compile.bind(this.executor);
    this.executor.compile = (source, filename) => {
      if (!compiledModules.has(filename)) compiledModules.set(filename, compile(source, filename));
      return compiledModules.get(filename);
    };
    // Jest creates an AsyncLocalStorage per file. Node.js 20 copies each open one into every new promise of the worker.
    const storages = this.#storages;
    const required = this.coreModule.require.bind(this.coreModule);
    class AsyncLocalStorage extends asyncHooks.AsyncLocalStorage {
      constructor(...args) {
        super(...args);
        storages.push(this);
      }
    }
    this.coreModule.require = (name) =>
      name === 'node:async_hooks' ? { ...asyncHooks, AsyncLocalStorage } : required(name);
  }

  async unstable_importModule(file) {
    const { rootDir } = this._config;
    const compiled = join(rootDir, 'dist', relative(rootDir, file).replace(/\.ts$/, '.js'));
    globalThis.jest = this.jestGlobals.jestObjectFor(file);
    if (process.env.TEST_SIZE === 'unit') await runFewerCases();
    await import(pathToFileURL(compiled).href);
  }

  teardown() {
    super.teardown();
    for (const storage of this.#storages) storage.disable();
  }
};
