import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { root } from './run.mjs';

/**
 * Compiles single files into dist, as the whole build does, and removes the outputs of deleted ones.
 * @returns whether all compile; the errors of the others are shown
 */
export async function compile(paths) {
  const { transformFile } = await import('@swc/core');
  // The next command builds everything, since dist may differ from every state of the sources.
  await rm(join(root, 'dist/.made-from'), { force: true });
  let isWhole = true;
  for (const path of paths) {
    const source = join(root, path);
    const output = join(root, 'dist', path.replace(/\.ts$/, '.js'));
    if (!existsSync(source)) {
      for (const file of [output, `${output}.map`]) await rm(file, { force: true });
      continue;
    }
    try {
      const sourceFileName = relative(dirname(output), source);
      const { code, map } = await transformFile(source, { cwd: root, sourceFileName });
      await mkdir(dirname(output), { recursive: true });
      await writeFile(`${output}.map`, map);
      await writeFile(output, `${code}\n//# sourceMappingURL=${basename(output)}.map`);
    } catch (error) {
      isWhole = false;
      console.error(error.message);
    }
  }
  return isWhole;
}
