/**
 * A real time-stamp authority for tests: OpenSSL's, with a certificate authority of its own, behind a small HTTP server. It must
 * never be trusted by anything but the test that made it.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CONFIG = (dir: string): string => `
[req]
distinguished_name = name
prompt = no
[name]
CN = Test authority
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
extendedKeyUsage = critical,timeStamping
[tsa_config]
default_tsa = stamping
[stamping]
serial = ${dir}/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_chain = no
crypto_device = builtin
`;

export class TimeStampAuthority {
  /** The certificate that its tokens lead to, PEM. */
  readonly authority: string;
  /** What it does next: answers, answers garbage, or says it is broken. */
  mood: 'STAMPS' | 'GARBAGE' | 'BROKEN' = 'STAMPS';
  asked = 0;
  readonly #dir = mkdtempSync(join(tmpdir(), 'mutuel-tsa-'));
  readonly #server: Server;

  constructor() {
    writeFileSync(join(this.#dir, 'openssl.cnf'), CONFIG(this.#dir));
    writeFileSync(join(this.#dir, 'serial'), '01\n');
    const key = ['-newkey', 'rsa:2048', '-nodes', '-sha256', '-config', 'openssl.cnf'];
    const subject = ['-subj', '/CN=Test time stamps'];
    this.#openssl('req', '-x509', ...key, '-extensions', 'ca', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '30');
    this.#openssl('req', ...key, ...subject, '-keyout', 'tsa.key', '-out', 'tsa.csr');
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-sha256'];
    const extensions = ['-extfile', 'openssl.cnf', '-extensions', 'tsa'];
    this.#openssl('x509', '-req', '-in', 'tsa.csr', ...signing, ...extensions, '-out', 'tsa.pem');
    this.authority = readFileSync(join(this.#dir, 'ca.pem'), 'utf8');
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.asked += 1;
        void this.#answer(Buffer.concat(parts)).then(
          (bytes) => response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(bytes),
          () => response.writeHead(500).end(),
        );
      });
    });
  }

  /** Resolves to its address. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #answer(query: Buffer): Promise<Buffer> {
    if (this.mood === 'BROKEN') throw new Error('out of order');
    if (this.mood === 'GARBAGE') return Buffer.from('no time stamp');
    const [asked, answer] = [`q${this.asked}`, `a${this.asked}`];
    writeFileSync(join(this.#dir, asked), query);
    const args = [
      'ts',
      '-reply',
      '-config',
      'openssl.cnf',
      '-section',
      'stamping',
      '-queryfile',
      asked,
      '-out',
      answer,
    ];
    await promisify(execFile)('openssl', [...args, '-inkey', 'tsa.key', '-signer', 'tsa.pem', '-chain', 'ca.pem'], {
      cwd: this.#dir,
    });
    return readFileSync(join(this.#dir, answer));
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#dir, stdio: 'pipe' });
  }
}
