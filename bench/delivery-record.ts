/** A compact record of messages in order of arrival: seq and the id's last 48 bits, twelve bytes per message. */
export class DeliveryRecord {
  length = 0;
  private seqs = new Int32Array(256);
  private tails = new Float64Array(256);

  add(seq: number, idTail: number): void {
    if (this.length === this.seqs.length) this.grow();
    this.seqs[this.length] = seq;
    this.tails[this.length++] = idTail;
  }

  seqAt(index: number): number {
    return this.seqs[index]!;
  }

  tailAt(index: number): number {
    return this.tails[index]!;
  }

  sorted(): DeliveryRecord {
    const sorted = new DeliveryRecord();
    const places = Array.from({ length: this.length }, (_, i) => i);
    for (const i of places.sort((a, b) => this.seqs[a]! - this.seqs[b]!))
      sorted.add(this.seqs[i]!, this.tails[i]!);
    return sorted;
  }

  private grow(): void {
    const seqs = new Int32Array(this.length * 2);
    const tails = new Float64Array(this.length * 2);
    seqs.set(this.seqs);
    tails.set(this.tails);
    this.seqs = seqs;
    this.tails = tails;
  }
}

/** The messages of a chat by seq, as one side of the run knows them. */
export type Ledger = Map<number, number>;

export function ledgerOf(record: DeliveryRecord): Ledger {
  const ledger: Ledger = new Map();
  for (let i = 0; i < record.length; i++) ledger.set(record.seqAt(i), record.tailAt(i));
  return ledger;
}

/** Compares the deliveries of a device with its chat's acks. Returns the first difference, if any. */
export function compareDelivered(acked: Ledger, record: DeliveryRecord): string | undefined {
  for (let i = 0; i < record.length; i++) {
    const seq = record.seqAt(i);
    if (i > 0 && seq === record.seqAt(i - 1)) return `got seq ${seq} twice`;
    if (i > 0 && seq < record.seqAt(i - 1)) return `got seq ${seq} after ${record.seqAt(i - 1)}`;
    if (acked.get(seq) !== record.tailAt(i))
      return `got seq ${seq} with an id that was never acknowledged for it`;
  }
  // Ascending, and all acknowledged: with equal counts, none is missing.
  if (record.length !== acked.size) return `got ${record.length} messages of ${acked.size} acknowledged`;
  return undefined;
}

/** Compares the rows of a chat with its acks. Returns the first difference, if any. */
export function compareStored(acked: Ledger, rows: Ledger, lastSeq: number): string | undefined {
  if (rows.size !== acked.size) return `${acked.size} acks but ${rows.size} rows`;
  if (lastSeq !== rows.size) return `${rows.size} rows but the last seq is ${lastSeq}`;
  for (const [seq, tail] of acked) {
    if (rows.get(seq) !== tail) return `the message acknowledged as seq ${seq} is not the one stored there`;
  }
  return undefined;
}
