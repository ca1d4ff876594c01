/** The AsyncAPI document of the feed, made from the very schemas of its frames. */
import { z } from 'zod';
import { changeFrame, statusFrame, subscribeFrame } from '#mutuel/services';

export function asyncapiDocument(): object {
  const message = (name: string, summary: string, schema: z.ZodType): object => {
    const { $schema: _, ...payload } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
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
