import { AppError } from '#contracts';
import { SOCKETS, parsedSize } from '#platform';

const MAX_FRAME_BYTES = SOCKETS.packet.most.read;
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** Limits of waiting frames, and of their total size. */
const { frames: MAX_WAITING, bytes: MAX_WAITING_BYTES } = SOCKETS.assistantFrames.most;

/** Counts the frames of a connection that wait for earlier ones. */
export class WaitingFrames {
  private count = 0;
  private bytes = 0;
  private refused = 0;

  /** @returns false if too many frames wait */
  enter(size: number): boolean {
    if (this.count >= MAX_WAITING || this.bytes + size > MAX_WAITING_BYTES) {
      this.refused++;
      return false;
    }
    this.count++;
    this.bytes += size;
    return true;
  }

  leave(size: number): void {
    this.count--;
    this.bytes -= size;
    if (this.count === 0) this.refused = 0;
  }

  /** Whether the client goes on although its frames are refused. */
  get isFlooded(): boolean {
    return this.refused > SOCKETS.assistantRefusals.most;
  }
}

/** A frame, or the reason why it is refused; and its approximate memory, bytes. */
export function weigh(data: Buffer): [frame: Buffer | AppError, size: number] {
  if (data.length > MAX_FRAME_BYTES) return [new AppError('MESSAGE_TOO_LARGE', 'Frame exceeds 64 KiB'), 0];
  try {
    return [data, parsedSize(data.toString('latin1'))];
  } catch (refusal) {
    return [refusal as AppError, 0];
  }
}

/** @throws AppError MESSAGE_TOO_LARGE, INVALID_DATA */
export function parse(data: Buffer | AppError): { type: string; data?: unknown } {
  if (data instanceof AppError) throw data;
  try {
    const frame = JSON.parse(utf8.decode(data)) as { type?: unknown; data?: unknown } | null;
    if (typeof frame?.type === 'string') return { type: frame.type, data: frame.data };
  } catch {
    // Reported below.
  }
  throw new AppError('INVALID_DATA', 'Invalid message format');
}
