/** Loads a test file as Node.js does: the compiled file, whose imports the files of a worker share. */
const { join, relative } = require('node:path');
const { pathToFileURL } = require('node:url');
const { default: Runtime } = require('jest-runtime');

module.exports = class NativeRuntime extends Runtime {
  async unstable_importModule(file) {
    const { rootDir } = this._config;
    const compiled = join(rootDir, 'dist', relative(rootDir, file).replace(/\.ts$/, '.js'));
    globalThis.jest = this.jestGlobals.jestObjectFor(file);
    await import(pathToFileURL(compiled).href);
  }
};
