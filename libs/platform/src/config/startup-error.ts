/** Stops the start. Its message is one line for the operator and names the setting to look at. */
export class StartupError extends Error {
  override name = 'StartError';
}
