/** Hosts (points of sale, partners) as clients of the gRPC stream: their tokens, signed with the operator's key, and their streams. */
import { type ClientDuplexStream, credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type Principal, Tokens } from '../../libs/platform/src/auth.js';

export interface StreamAnswer {
  readonly id: number;
  readonly ticket?: { readonly ticketId: string; readonly status: string };
  readonly problem?: { readonly code: string };
}
type BettingClient = new (at: string, with_: unknown, options: object) => { Stream(metadata: Metadata): TicketStream };
export type TicketStream = ClientDuplexStream<object, StreamAnswer>;

/** A token for these accounts: some two hundred, since a token is no longer than 4 KB. */
export function hostToken(tokenKey: string, name: string, accounts: readonly string[]): string {
  return signed(tokenKey, name, { accounts, roles: [], channel: 'partner' });
}

export function operatorToken(tokenKey: string, name: string, role: Principal['roles'][number]): string {
  return signed(tokenKey, name, { accounts: [], roles: [role], channel: 'back-office' });
}

/** Opens streams to one address, all on one connection. */
export function streamsTo(port: number): (token: string) => TicketStream {
  const { Betting } = (
    loadPackageDefinition(loadSync('libs/platform/src/grpc/mutuel.proto', { longs: Number, oneofs: true }))[
      'mutuel'
    ] as unknown as { v1: { Betting: BettingClient } }
  ).v1;
  // Channels of the same address and options would share their connection.
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const client = new Betting(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  return (token) => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    return client.Stream(metadata);
  };
}

function signed(tokenKey: string, name: string, rest: Pick<Principal, 'accounts' | 'roles' | 'channel'>): string {
  const tokens = new Tokens(Buffer.from(tokenKey, 'hex'), Date.now);
  return tokens.sign({ subject: name, device: name, ...rest });
}
