/** Runs a part of a smoke test and prints how long it took. */
export async function step(name, run) {
  const started = performance.now();
  const result = await run();
  console.log(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${name}`);
  return result;
}
