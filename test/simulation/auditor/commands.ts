/** The command logs as the auditor reads them: what was asked, when it was appended, and whether the house had signed it. */
import { createHmac } from 'node:crypto';
import { type Decision, type Fields, type RawRecord, sha256, textOf } from './chain.js';
import { must } from './finding.js';

export interface Command {
  readonly offset: number;
  readonly time: number;
  readonly cid: string;
  /** Undefined where no command can be read, or where a signature is wrong. */
  readonly body: Fields | undefined;
  readonly isSigned: boolean;
}

export class Commands {
  readonly all: Command[] = [];

  constructor(private readonly key: Uint8Array) {}

  accept({ offset, time, value }: RawRecord): Command {
    const command = { offset, time, ...this.#read(value) };
    this.all.push(command);
    return command;
  }

  /** The command that a decision says it decides; time and id must be that command's. */
  of(name: string, decision: Decision): Command {
    const command = this.all[decision.in[1]];
    must(command !== undefined, 'G1', () => `${name} #${decision.seq} decides a command that is not in the log`);
    must(
      decision.at === command.time,
      'G2',
      () => `${name} #${decision.seq} is dated ${decision.at}, its command was appended at ${command.time}`,
    );
    must(decision.cid === command.cid, 'G1', () => `${name} #${decision.seq} carries the id of another command`);
    return command;
  }

  #read(value: Uint8Array): Omit<Command, 'offset' | 'time'> {
    const unreadable = { cid: sha256(value).slice(0, 32), body: undefined, isSigned: false };
    let envelope: Fields;
    try {
      envelope = JSON.parse(textOf(value)) as Fields;
    } catch {
      return unreadable;
    }
    const { cid, cmd, signed, mac } = envelope;
    if (typeof cid !== 'string') return unreadable;
    if (signed === undefined) return { cid, body: cmd as Fields, isSigned: false };
    const right = createHmac('sha256', this.key)
      .update(`${cid}.${String(signed)}`)
      .digest('hex');
    if (right !== mac) return unreadable;
    return { cid, body: JSON.parse(String(signed)) as Fields, isSigned: true };
  }
}
