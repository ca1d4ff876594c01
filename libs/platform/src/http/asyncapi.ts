/** The AsyncAPI document of the feed: the frames as zod schemas, checked against real frames by the tests. */
import { z } from 'zod';

const filter = z.strictObject({
  meetings: z.array(z.string()).optional(),
  races: z.array(z.string()).optional(),
  pools: z.array(z.string()).optional(),
  poolTypes: z.array(z.string()).optional(),
});

export const subscribeFrame = z.object({
  op: z.literal('subscribe'),
  id: z.int(),
  filter: filter.optional().meta({ description: 'Any of these; absent means all.' }),
  fields: z.array(z.string()).optional(),
  heartbeatMs: z.int().min(500).max(30_000).optional(),
  conflateMs: z.int().min(0).max(120_000).optional(),
  initialClk: z.string().nullable().optional(),
  clk: z.string().nullable().optional(),
});

export const statusFrame = z.object({
  op: z.literal('status'),
  id: z.int().nullable().optional(),
  code: z
    .string()
    .meta({ description: 'SUCCESS, or INVALID_INPUT, INVALID_CLOCK, SUBSCRIPTION_LIMIT_EXCEEDED and the like.' }),
  connectionId: z.string().optional(),
  heartbeatMs: z.int().optional(),
  conflateMs: z.int().optional(),
});

export const changeFrame = z.object({
  op: z.literal('pcm'),
  id: z.int(),
  ct: z.enum(['SUB_IMAGE', 'RESUB_DELTA', 'HEARTBEAT']).optional().meta({ description: 'Absent for a delta.' }),
  initialClk: z.string().optional(),
  clk: z.string(),
  pt: z.int().meta({ description: 'When it was computed, ms UTC.' }),
  cycle: z.int().meta({ description: 'Epoch seconds divided by five.' }),
  con: z.boolean().optional(),
  pc: z
    .array(
      z.object({
        id: z.string(),
        img: z.boolean().optional(),
        v: z.int().optional(),
        def: z.record(z.string(), z.unknown()).optional(),
        tot: z.record(z.string(), z.unknown()).optional(),
        rc: z.array(z.looseObject({ c: z.string() })).optional(),
        h: z.string().optional().meta({
          description:
            "First 8 hex digits of SHA-256 over the canonical JSON of the pool's full {def,tot,rc}, rc sorted by c.",
        }),
      }),
    )
    .optional(),
});

export function asyncapiDocument(): object {
  const message = (name: string, summary: string, schema: z.ZodType): object => {
    const { $schema: _, ...payload } = z.toJSONSchema(schema, { io: 'input' });
    return { name, summary, contentType: 'application/json', payload };
  };
  return {
    asyncapi: '3.0.0',
    info: { title: 'Mutuel odds feed', version: '1', description: 'JSON text frames over a websocket.' },
    servers: {
      here: { host: '{host}', pathname: '/feed', protocol: 'ws', variables: { host: { default: '127.0.0.1:3000' } } },
    },
    channels: {
      feed: {
        address: '/feed',
        messages: {
          subscribe: message('subscribe', 'Asks for an image and then changes.', subscribeFrame),
          status: message('status', 'Answers a request, or tells why the connection ends.', statusFrame),
          pcm: message('pcm', 'Pools: an image, a change, or a heartbeat.', changeFrame),
        },
      },
    },
    operations: {
      subscribe: {
        action: 'receive',
        channel: { $ref: '#/channels/feed' },
        messages: [{ $ref: '#/channels/feed/messages/subscribe' }],
      },
      publish: {
        action: 'send',
        channel: { $ref: '#/channels/feed' },
        messages: [{ $ref: '#/channels/feed/messages/status' }, { $ref: '#/channels/feed/messages/pcm' }],
      },
    },
  };
}
