/** A PKCS#11 device in software (SoftHSM), in a folder of its own, with keys put into it from outside as no real device would allow. */
import { execFileSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const PIN = '5678';
const PLACES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm.so', '/usr/lib64/libsofthsm2.so'];

export class SoftDevice {
  readonly pinFile: string;
  readonly #tokens: string;
  readonly #settings: string;

  constructor(private readonly folder: string) {
    this.pinFile = join(folder, 'pin');
    this.#tokens = join(folder, 'tokens');
    mkdirSync(this.#tokens);
    this.#settings = join(folder, 'softhsm2.conf');
    writeFileSync(this.#settings, this.#text());
    // The library asks the environment of the process that loads it.
    process.env['SOFTHSM2_CONF'] = this.#settings;
    this.setPin(PIN);
  }

  get module(): string {
    const place = PLACES.find((path) => existsSync(path));
    if (place === undefined) throw new Error('SoftHSM is not installed: npm run provision');
    return place;
  }

  uri(token: string, object: string, pinFile = this.pinFile): string {
    return `pkcs11:token=${token};object=${object}?module-path=${this.module}&pin-source=file:${pinFile}`;
  }

  setPin(pin: string): void {
    writeFileSync(this.pinFile, `${pin}\n`);
  }

  /** A token with one key pair in it. */
  make(token: string, object: string, key: KeyObject): void {
    const file = join(this.folder, 'key.p8');
    writeFileSync(file, key.export({ format: 'pem', type: 'pkcs8' }));
    const util = (...args: string[]): void => void execFileSync('softhsm2-util', args, { stdio: 'pipe' });
    util('--init-token', '--free', '--label', token, '--so-pin', PIN, '--pin', PIN);
    util('--import', file, '--token', token, '--label', object, '--id', '01', '--pin', PIN);
  }

  /** Nothing is in it until it is put back. */
  takeOut(): void {
    renameSync(this.#tokens, `${this.#tokens}.out`);
    mkdirSync(this.#tokens);
  }

  putBack(): void {
    renameSync(this.#tokens, `${this.#tokens}.empty`);
    renameSync(`${this.#tokens}.out`, this.#tokens);
  }

  /** The library waits for its settings when it is begun next, until the answer is called. */
  standStill(): () => void {
    rmSync(this.#settings);
    execFileSync('mkfifo', [this.#settings]);
    const pipe = openSync(this.#settings, 'r+');
    return () => {
      rmSync(this.#settings);
      writeFileSync(this.#settings, this.#text());
      writeSync(pipe, this.#text());
      closeSync(pipe);
    };
  }

  #text(): string {
    return `directories.tokendir = ${this.#tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`;
  }
}
